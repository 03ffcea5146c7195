package http2

import "encoding/binary"

// The settings of RFC 9113 section 6.5.2 and RFC 8441 section 3.
const (
	settingHeaderTableSize   = 0x1
	settingEnablePush        = 0x2
	settingMaxStreams        = 0x3
	settingInitialWindow     = 0x4
	settingMaxFrame          = 0x5
	settingMaxHeaderListSize = 0x6
	settingEnableConnect     = 0x8
)

// defaultWindow is the window of a stream, and of the connection, before anybody says otherwise.
const defaultWindow = 1<<16 - 1

// settings is what a peer asks for, as far as it matters here. What we write never uses the peer's dynamic table, whatever its size.
type settings struct {
	maxStreams    uint32
	initialWindow int64
	maxFrame      int
	connect       bool // extended CONNECT is understood
	shrunk        bool // the table that we may use became smaller
}

func defaultSettings() settings {
	return settings{maxStreams: maxStream, initialWindow: defaultWindow, maxFrame: maxFrame}
}

func appendSetting(dst []byte, id uint16, value uint32) []byte {
	dst = binary.BigEndian.AppendUint16(dst, id)
	return binary.BigEndian.AppendUint32(dst, value)
}

// apply takes in the payload of a SETTINGS frame, in order, and returns by how much the windows of streams grow.
func (s *settings) apply(p []byte, role Role) (delta int64, err error) {
	before := s.initialWindow
	for ; len(p) >= 6; p = p[6:] {
		v := binary.BigEndian.Uint32(p[2:])
		switch binary.BigEndian.Uint16(p) {
		case settingHeaderTableSize:
			s.shrunk = s.shrunk || v < tableSize
		case settingEnablePush:
			if v > 1 || v == 1 && role == Client {
				return 0, connError(ProtocolError, "SETTINGS_ENABLE_PUSH has a value that it cannot have")
			}
		case settingMaxStreams:
			s.maxStreams = v
		case settingInitialWindow:
			if v > maxStream {
				return 0, connError(FlowControlError, "SETTINGS_INITIAL_WINDOW_SIZE is above 2^31-1")
			}
			s.initialWindow = int64(v)
		case settingMaxFrame:
			if v < maxFrame || v > 1<<24-1 {
				return 0, connError(ProtocolError, "SETTINGS_MAX_FRAME_SIZE is out of range")
			}
			s.maxFrame = int(v)
		case settingEnableConnect:
			if v > 1 || v == 0 && s.connect {
				return 0, connError(ProtocolError, "SETTINGS_ENABLE_CONNECT_PROTOCOL has a value that it cannot have")
			}
			s.connect = v == 1
		}
	}
	return s.initialWindow - before, nil
}
