package http1

import "strconv"

// Error says why a message is refused and which answer the proxy owes the client. After it the connection that the message came
// from must not be reused: its framing is unknown.
type Error struct {
	Status int    // status code of our own answer: 4xx, 501 or 505 for a request, 502 for a response
	Reason string // what was wrong, a constant without data of the message
}

// Error returns the reason with the status.
func (e *Error) Error() string { return e.Reason + " (" + strconv.Itoa(e.Status) + ")" }
