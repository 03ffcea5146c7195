package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// runCheck is the check script of VRRP: it fails unless HAProxy answers on its
// statistics socket within five seconds, which is all that Octavia's looks at.
func runCheck(socket string) error {
	conn, err := net.DialTimeout("unix", socket, 5*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(conn, "show stat -1 -1 -1"); err != nil {
		return err
	}
	said, err := io.ReadAll(conn)
	if err == nil && len(said) == 0 {
		err = errors.New("HAProxy said nothing")
	}
	return err
}
