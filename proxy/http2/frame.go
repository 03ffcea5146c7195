package http2

import (
	"encoding/binary"
	"strconv"
)

// frameType is the type of a frame (RFC 9113 section 6).
type frameType uint8

const (
	frameData         frameType = 0x0
	frameHeaders      frameType = 0x1
	framePriority     frameType = 0x2
	frameResetStream  frameType = 0x3
	frameSettings     frameType = 0x4
	framePushPromise  frameType = 0x5
	framePing         frameType = 0x6
	frameGoAway       frameType = 0x7
	frameWindowUpdate frameType = 0x8
	frameContinuation frameType = 0x9
)

// Flags of frames. One bit means different things to different types.
const (
	flagEndStream  = 0x1
	flagAck        = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20
)

const (
	frameHeaderLen = 9
	// maxFrame is the largest payload that we accept: the least that must be (SETTINGS_MAX_FRAME_SIZE is not sent).
	maxFrame  = 16 << 10
	maxStream = 1<<31 - 1
)

// frame is the head of a frame.
type frame struct {
	length int
	typ    frameType
	flags  uint8
	stream uint32
}

func (f frame) has(flag uint8) bool { return f.flags&flag != 0 }

// parseFrame reads the nine bytes that begin a frame (RFC 9113 section 4.1). The reserved bit is ignored.
func parseFrame(p []byte) frame {
	return frame{
		length: int(p[0])<<16 | int(p[1])<<8 | int(p[2]),
		typ:    frameType(p[3]),
		flags:  p[4],
		stream: binary.BigEndian.Uint32(p[5:]) & maxStream,
	}
}

// appendFrame appends the head of a frame.
func appendFrame(dst []byte, length int, typ frameType, flags uint8, stream uint32) []byte {
	return append(dst, byte(length>>16), byte(length>>8), byte(length), byte(typ), flags,
		byte(stream>>24), byte(stream>>16), byte(stream>>8), byte(stream))
}

// check judges what a head alone shows: where frames of a type may stand and how long they are.
func (f frame) check() error {
	if f.length > maxFrame {
		return connError(FrameSizeError, "frame is larger than SETTINGS_MAX_FRAME_SIZE")
	}
	switch f.typ {
	case frameData, frameHeaders, framePriority, frameResetStream, frameContinuation:
		if f.stream == 0 {
			return connError(ProtocolError, "frame of a stream on stream 0")
		}
	case frameSettings, framePing, frameGoAway:
		if f.stream != 0 {
			return connError(ProtocolError, "frame of the connection on a stream")
		}
	}
	bad := false
	switch f.typ {
	case framePriority:
		if f.length != 5 {
			return streamError(f.stream, FrameSizeError, "PRIORITY is not 5 bytes long")
		}
	case frameResetStream, frameWindowUpdate:
		bad = f.length != 4
	case frameSettings:
		bad = f.length%6 != 0 || f.has(flagAck) && f.length != 0
	case framePing:
		bad = f.length != 8
	case frameGoAway:
		bad = f.length < 8
	}
	if bad {
		return connError(FrameSizeError, "frame has a length that its type cannot have")
	}
	return nil
}

// unpad takes the padding of a HEADERS frame away (RFC 9113 section 6.2).
func unpad(f frame, p []byte) ([]byte, error) {
	if !f.has(flagPadded) {
		return p, nil
	}
	if len(p) == 0 {
		return nil, connError(FrameSizeError, "padded frame without the length of its padding")
	}
	pad := int(p[0])
	if p = p[1:]; pad > len(p) {
		return nil, connError(ProtocolError, "padding is longer than the frame")
	}
	return p[:len(p)-pad], nil
}

// ErrCode says why a stream or a connection was ended (RFC 9113 section 7).
type ErrCode uint32

// The error codes.
const (
	NoError            ErrCode = 0x0
	ProtocolError      ErrCode = 0x1
	InternalError      ErrCode = 0x2
	FlowControlError   ErrCode = 0x3
	SettingsTimeout    ErrCode = 0x4
	StreamClosed       ErrCode = 0x5
	FrameSizeError     ErrCode = 0x6
	RefusedStream      ErrCode = 0x7
	Cancel             ErrCode = 0x8
	CompressionError   ErrCode = 0x9
	ConnectError       ErrCode = 0xa
	EnhanceYourCalm    ErrCode = 0xb
	InadequateSecurity ErrCode = 0xc
	HTTP11Required     ErrCode = 0xd
)

var codeNames = [...]string{
	"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR",
	"REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
}

// String returns the name of RFC 9113.
func (c ErrCode) String() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return "error code " + strconv.FormatUint(uint64(c), 10)
}

// Error says why a peer's bytes are refused. With Stream 0 it is the end of the connection.
type Error struct {
	Stream uint32
	Code   ErrCode
	Reason string // what was wrong, a constant without data of the peer
}

// Error returns the reason with the code.
func (e *Error) Error() string { return e.Reason + " (" + e.Code.String() + ")" }

func connError(code ErrCode, reason string) error { return &Error{Code: code, Reason: reason} }

func streamError(id uint32, code ErrCode, reason string) error {
	return &Error{Stream: id, Code: code, Reason: reason}
}
