package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
)

// answer is what a member sends for every request: 200 bytes in all.
var answer = func() []byte {
	const head = "HTTP/1.1 200 OK\r\nServer: member\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\n"
	return append([]byte(head), bytes.Repeat([]byte("x"), 100)...)
}()

// serveMember answers every request on addrs, as cheaply as possible and without
// looking at it: requests have no body. It returns when ctx ends, connections or
// not.
func serveMember(ctx context.Context, addrs []string) error {
	errs := make(chan error, len(addrs))
	for _, addr := range addrs {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return fmt.Errorf("be a member: %w", err)
		}
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					errs <- fmt.Errorf("be a member: %w", err)
					return
				}
				go answerAll(conn)
			}
		}()
	}
	select {
	case err := <-errs:
		return err
	case <-ctx.Done():
		return nil
	}
}

// answerAll serves one connection until the other side closes it.
func answerAll(conn net.Conn) {
	defer conn.Close()
	end := []byte("\r\n\r\n")
	buf := make([]byte, 4<<10)
	have := 0
	for {
		n, err := conn.Read(buf[have:])
		if err != nil {
			return
		}
		have += n
		if bytes.HasSuffix(buf[:have], end) {
			for range bytes.Count(buf[:have], end) {
				if _, err := conn.Write(answer); err != nil {
					return
				}
			}
			have = 0
		}
		if have == len(buf) {
			return
		}
	}
}

// startMember starts a web server at memberAddr and returns its addresses: two,
// so that a proxy has something to choose.
func (b *bed) startMember(self string) (*process, []string, error) {
	var addrs []string
	for range 2 {
		port, err := b.port(b.member, b.memberAddr)
		if err != nil {
			return nil, nil, err
		}
		addrs = append(addrs, fmt.Sprintf("%s:%d", b.memberAddr, port))
	}
	p, err := b.start(b.member, b.restCPU, self, "-member", strings.Join(addrs, ","))
	if err != nil {
		return nil, nil, err
	}
	for _, addr := range addrs {
		if err := b.awaitAnswer(b.proxy, addr, p); err != nil {
			return nil, nil, fmt.Errorf("member %s: %w", addr, err)
		}
	}
	return p, addrs, nil
}
