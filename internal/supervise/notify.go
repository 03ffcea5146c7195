package supervise

import (
	"net"
	"strconv"
	"strings"
	"time"
)

// Variables of the environment that systemd sets for the process that it starts;
// see sd_notify(3) and sd_watchdog_enabled(3).
const (
	envNotify      = "NOTIFY_SOCKET"
	envWatchdog    = "WATCHDOG_USEC"
	envWatchdogPID = "WATCHDOG_PID"
)

// systemd is told of the state of the service. The zero value tells nobody.
type systemd struct {
	addr     string
	watchdog time.Duration // silence after which systemd ends us; 0: never
}

func findSystemd(env []string, pid int) systemd {
	values := map[string]string{}
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		values[name] = value
	}
	var s systemd
	if path := values[envNotify]; strings.HasPrefix(path, "/") || strings.HasPrefix(path, "@") {
		s.addr = path // package net knows the @ of an abstract name
	}
	meant := values[envWatchdogPID]
	if us, err := strconv.ParseInt(values[envWatchdog], 10, 64); err == nil && us > 0 && (meant == "" || meant == strconv.Itoa(pid)) {
		s.watchdog = time.Duration(us) * time.Microsecond
	}
	return s
}

// tell sends a state such as READY=1. systemd that does not listen is no reason to
// stop serving.
func (s systemd) tell(state string) {
	if s.addr == "" {
		return
	}
	conn, err := net.Dial("unixgram", s.addr)
	if err != nil {
		return
	}
	defer conn.Close()
	_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = conn.Write([]byte(state))
}
