package cluster

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// Every connection to a node's port opens with one line,
//
//	R2 <cluster> <id of the node that is meant, or -> <id of the caller>\n
//
// where a cluster that was forced has +<tag of its epoch> behind its name for raft.
// The first byte selects what follows: R raft, G gRPC; the digit is the version
// of the handshake. The answer is "ok\n" or the reason of a refusal. The id keeps
// raft from taking a new node for the old one at the same address: a node whose
// disk was replaced has forgotten its votes and its log, and must not answer for
// the one that had them.
const (
	kindRaft = 'R'
	kindGRPC = 'G'

	handshakeVersion = '2'
	handshakeOK      = "ok"
	anyNode          = "-"
	maxHandshake     = 256

	epochMark = "+" // cannot be in the name of a cluster
)

type hello struct {
	kind    byte
	cluster string
	epoch   string // tag of the caller's epoch; only raft's connections tell it
	target  string // node id, or anyNode
	from    string // node id of the caller: what a connection that breaks says something about
}

func (h hello) String() string {
	if h.kind == kindRaft && h.epoch != "" {
		h.cluster += epochMark + h.epoch
	}
	return fmt.Sprintf("%c%c %s %s %s\n", h.kind, handshakeVersion, h.cluster, h.target, h.from)
}

var errHandshake = errors.New("not the handshake of an amphora node")

func parseHello(line string) (hello, error) {
	fields := strings.Split(line, " ")
	if len(fields[0]) != 2 || (fields[0][0] != kindRaft && fields[0][0] != kindGRPC) {
		return hello{}, fmt.Errorf("%w: %q", errHandshake, line)
	}
	if v := fields[0][1]; v != handshakeVersion {
		return hello{}, fmt.Errorf("handshake version %q, this node knows %q", v, handshakeVersion)
	}
	if len(fields) != 4 {
		return hello{}, fmt.Errorf("%w: %q", errHandshake, line)
	}
	name, epoch, _ := strings.Cut(fields[1], epochMark)
	return hello{kind: fields[0][0], cluster: name, epoch: epoch, target: fields[2], from: fields[3]}, nil
}

// check says why the node whose cluster, epoch and id (as target) are self's must not
// talk to the caller.
func (h hello) check(self hello) error {
	if h.cluster != self.cluster {
		return fmt.Errorf("this node belongs to cluster %q, the caller to %q: %w", self.cluster, h.cluster, ErrWrongCluster)
	}
	if h.target != anyNode && h.target != self.target {
		return fmt.Errorf("this node is %s, the caller wants %s; if the node was reinstalled, remove the old one and join this one", self.target, h.target)
	}
	if h.kind == kindRaft && h.epoch != self.epoch {
		return fmt.Errorf("this node is in epoch %q of the cluster, the caller in %q: %w", self.epoch, h.epoch, ErrForcedApart)
	}
	return nil
}

// accept reads the opening line of a connection and answers it. It takes at most
// limit.
func accept(conn net.Conn, self hello, limit time.Duration) (hello, error) {
	if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
		return hello{}, err
	}
	line, err := readLine(conn, kindRaft, kindGRPC)
	if err != nil {
		return hello{}, err
	}
	h, err := parseHello(line)
	if err == nil {
		err = h.check(self)
	}
	if err != nil {
		_, _ = io.WriteString(conn, strings.ReplaceAll(err.Error(), "\n", " ")+"\n")
		return hello{}, err
	}
	if _, err := io.WriteString(conn, handshakeOK+"\n"); err != nil {
		return hello{}, err
	}
	return h, conn.SetDeadline(time.Time{})
}

// refusedError is the other side's word on why it does not talk to us.
type refusedError struct{ reason string }

func (e *refusedError) Error() string { return "refused: " + e.reason }

// Is makes a refusal for the cluster's name an ErrWrongCluster.
func (e *refusedError) Is(target error) bool {
	return target == ErrWrongCluster && strings.HasSuffix(e.reason, ErrWrongCluster.Error())
}

// greet sends the opening line and waits for the answer, at most until deadline.
func greet(conn net.Conn, h hello, deadline time.Time) error {
	if err := conn.SetDeadline(deadline); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, h.String()); err != nil {
		return fmt.Errorf("send handshake: %w", err)
	}
	answer, err := readLine(conn)
	if err != nil {
		return fmt.Errorf("read answer to handshake: %w", err)
	}
	if answer != handshakeOK {
		return &refusedError{reason: answer}
	}
	return conn.SetDeadline(time.Time{})
}

// readLine reads to the end of a line and not a byte further: what follows is
// for others. If first bytes are given, any other ends the reading at once.
func readLine(r io.Reader, first ...byte) (string, error) {
	var line []byte
	var b [1]byte
	for len(line) < maxHandshake {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return string(line), nil
		}
		line = append(line, b[0])
		if len(line) == 1 && len(first) > 0 && !strings.ContainsRune(string(first), rune(b[0])) {
			return "", fmt.Errorf("%w: first byte %#x", errHandshake, b[0])
		}
	}
	return "", fmt.Errorf("%w: no end of line after %d bytes", errHandshake, maxHandshake)
}
