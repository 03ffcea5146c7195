package gate

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// sweepNFT removes what is left of gates whose network namespace has gone, and the table
// with it.
func sweepNFT() error {
	dirs, err := filepath.Glob(filepath.Join(nftRoot, "*"))
	if err != nil || len(dirs) == 0 {
		return err
	}
	alive := namespaces()
	for _, dir := range dirs {
		if alive[filepath.Base(dir)] {
			continue
		}
		gates, _ := filepath.Glob(filepath.Join(dir, "*")) // the pattern is right
		for _, g := range gates {
			lock, e := lockExisting(g)
			if e != nil {
				continue // in use, or gone
			}
			err = errors.Join(err, removeDir(nftRoot, g), lock.Close())
		}
	}
	return err
}

// namespaces lists the inodes of the network namespaces that a process is in, that have
// a name, or that are an open file of a process.
func namespaces() map[string]bool {
	alive := map[string]bool{}
	spaces, _ := filepath.Glob("/proc/[0-9]*/ns/net")
	named, _ := filepath.Glob("/run/netns/*")
	for _, path := range append(spaces, named...) {
		var st unix.Stat_t
		if unix.Stat(path, &st) == nil {
			alive[strconv.FormatUint(st.Ino, 10)] = true
		}
	}
	files, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, path := range files {
		target, err := os.Readlink(path)
		if inode, ok := strings.CutPrefix(target, "net:["); err == nil && ok {
			alive[strings.TrimSuffix(inode, "]")] = true
		}
	}
	return alive
}
