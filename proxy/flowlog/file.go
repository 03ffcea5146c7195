package flowlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// File is a file that lines are appended to. When it has been moved or removed, as
// logrotate does, a new one is made within a second.
type File struct {
	Path string

	f      *os.File
	looked time.Time
}

// lookEvery is how often the file is looked for under its name.
const lookEvery = time.Second

// Write implements Target.
func (t *File) Write(_ context.Context, lines []byte) (int, error) {
	if t.f != nil && time.Since(t.looked) >= lookEvery && t.moved() {
		_ = t.Close()
	}
	if t.f == nil {
		f, err := os.OpenFile(t.Path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640) //nolint:gosec // logs are read by a group
		if err != nil {
			return 0, err
		}
		t.f, t.looked = f, time.Now()
	}
	if n, err := t.f.Write(lines); err != nil {
		// What is there of a line would run into the next one.
		whole := lastEnd(lines[:n])
		return whole, errors.Join(err, t.f.Truncate(t.size()-int64(n-whole)), t.Close())
	}
	return len(lines), nil
}

// lastEnd is the length of the whole lines in b.
func lastEnd(b []byte) int {
	for i := len(b); i > 0; i-- {
		if b[i-1] == '\n' {
			return i
		}
	}
	return 0
}

func (t *File) size() int64 {
	info, err := t.f.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}

// moved reports whether the name stands for another file, or none.
func (t *File) moved() bool {
	t.looked = time.Now()
	open, err := t.f.Stat()
	if err != nil {
		return true
	}
	there, err := os.Stat(t.Path)
	return errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(open, there)
}

// Close implements Target.
func (t *File) Close() error {
	if t.f == nil {
		return nil
	}
	err := t.f.Close()
	t.f = nil
	return err
}

func (t *File) String() string { return fmt.Sprintf("file:%s", t.Path) }
