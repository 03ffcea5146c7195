package http1

import "strconv"

// Continue is the interim response to Expect: 100-continue when the proxy itself answers it.
const Continue = "HTTP/1.1 100 Continue\r\n\r\n"

// Answer returns a complete response of our own for status: 400, 403, 408, 413, 414, 417, 431, 500, 501, 502, 503, 504 or 505 (any other
// gets 500). head leaves the body out, as HEAD asks; keepAlive announces that the connection stays open. The bytes are shared by all
// callers and must not be changed.
func Answer(status int, keepAlive, head bool) []byte {
	i := 0
	for j := range answers {
		if answers[j].status == status {
			i = j
		}
	}
	a := &answers[i]
	b := a.end
	if keepAlive {
		b = a.stay
	}
	if head {
		return b[: len(b)-a.body : len(b)-a.body]
	}
	return b[:len(b):len(b)]
}

// answer is one status with both ways of going on; the last body bytes are the body.
type answer struct {
	status    int
	end, stay []byte
	body      int
}

// answers starts with the one for statuses that are not in it. The texts name no detail: they go to strangers.
var answers = [...]answer{
	makeAnswer(500, "Internal Server Error", "An internal error occurred."),
	makeAnswer(400, "Bad Request", "The request is malformed."),
	makeAnswer(403, "Forbidden", "The request is not allowed."),
	makeAnswer(408, "Request Timeout", "The request did not arrive in time."),
	makeAnswer(413, "Content Too Large", "The request body is too large."),
	makeAnswer(414, "URI Too Long", "The request target is too long."),
	makeAnswer(417, "Expectation Failed", "The expectation cannot be met."),
	makeAnswer(431, "Request Header Fields Too Large", "The request head is too large."),
	makeAnswer(501, "Not Implemented", "The request asks for something that is not implemented."),
	makeAnswer(502, "Bad Gateway", "The server returned an invalid or incomplete response."),
	makeAnswer(503, "Service Unavailable", "No server is available to handle this request."),
	makeAnswer(504, "Gateway Timeout", "The server did not respond in time."),
	makeAnswer(505, "HTTP Version Not Supported", "The HTTP version is not supported."),
}

func makeAnswer(status int, reason, text string) answer {
	title := strconv.Itoa(status) + " " + reason
	body := "<html><body><h1>" + title + "</h1>\n" + text + "\n</body></html>\n"
	write := func(connection string) []byte {
		return []byte("HTTP/1.1 " + title + "\r\nContent-Type: text/html\r\nCache-Control: no-cache\r\nContent-Length: " +
			strconv.Itoa(len(body)) + "\r\nConnection: " + connection + "\r\n\r\n" + body)
	}
	return answer{status: status, end: write("close"), stay: write("keep-alive"), body: len(body)}
}

// AppendRedirect appends a complete response of our own, without a body, that sends the client to the location made of prefix and rest:
// status is 301, 302, 303, 307 or 308 (any other is taken for 302). keepAlive announces that the connection stays open. A temporary one
// is not to be cached, as in HAProxy. The location must be free of control characters.
func AppendRedirect(dst []byte, status int, keepAlive bool, prefix string, rest []byte) []byte {
	r := &redirects[0]
	for i := range redirects {
		if redirects[i].status == status {
			r = &redirects[i]
		}
	}
	dst = append(dst, r.head...)
	dst = append(dst, prefix...)
	dst = append(dst, rest...)
	if keepAlive {
		return append(dst, "\r\nConnection: keep-alive\r\n\r\n"...)
	}
	return append(dst, "\r\nConnection: close\r\n\r\n"...)
}

// redirects starts with the one for statuses that are not in it.
var redirects = [...]struct {
	status int
	head   string // up to the value of Location
}{
	{302, "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nCache-Control: no-cache\r\nLocation: "},
	{301, "HTTP/1.1 301 Moved Permanently\r\nContent-Length: 0\r\nLocation: "},
	{303, "HTTP/1.1 303 See Other\r\nContent-Length: 0\r\nCache-Control: no-cache\r\nLocation: "},
	{307, "HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\nCache-Control: no-cache\r\nLocation: "},
	{308, "HTTP/1.1 308 Permanent Redirect\r\nContent-Length: 0\r\nLocation: "},
}
