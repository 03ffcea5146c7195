package health

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// maxHead is how much of an answer is read at most. The body is not read.
const maxHead = 64 << 10

// maxInterim is how many interim answers (RFC 9110 section 15.2) may precede
// the final one.
const maxInterim = 8

// request is what an HTTP monitor sends: no Host with HTTP/1.0, as HAProxy does.
func request(t Target) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/%s\r\n", t.Method, t.Path, t.Version)
	if t.Version == "1.1" {
		host := t.Host
		if host == "" {
			host = t.Addr.String() // RFC 9112 section 3.2 requires one
		}
		fmt.Fprintf(&b, "Host: %s\r\n", host)
	}
	switch t.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		b.WriteString("Content-Length: 0\r\n")
	}
	b.WriteString("User-Agent: amphora\r\nConnection: close\r\n\r\n")
	return b.String()
}

// readStatus reads the head of the final answer.
func readStatus(conn net.Conn, method string) (int, error) {
	limited := &io.LimitedReader{R: conn, N: maxHead}
	r := bufio.NewReader(limited)
	for range maxInterim {
		// Closing the body could wait for the rest of it; it holds nothing, and
		// the caller closes conn.
		answer, err := http.ReadResponse(r, &http.Request{Method: method}) //nolint:bodyclose
		if err != nil && limited.N == 0 {
			return 0, fmt.Errorf("more than %d bytes of headers", maxHead)
		}
		if err != nil {
			return 0, err
		}
		if answer.StatusCode >= 200 || answer.StatusCode == http.StatusSwitchingProtocols {
			return answer.StatusCode, nil
		}
	}
	return 0, fmt.Errorf("more than %d interim answers", maxInterim)
}

// expected reports whether codes, such as "200", "200,202" or "200-204",
// includes status.
func expected(codes string, status int) bool {
	for part := range strings.SplitSeq(codes, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			last = first
		}
		low, err1 := strconv.Atoi(first)
		high, err2 := strconv.Atoi(last)
		if err1 == nil && err2 == nil && low <= status && status <= high {
			return true
		}
	}
	return false
}
