// Package flowlog writes a line for every request and TCP connection that has ended: in
// the 16 fields of Octavia's flow log, or as JSON. It owns the queue, the lines and where
// they go: files, journald, syslog.
//
// It must never hold up who adds a record: when lines cannot be written as fast as they
// come, they are dropped and counted.
package flowlog
