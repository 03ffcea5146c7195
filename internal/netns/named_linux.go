package netns

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	vnetns "github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// dir is where the kernel's other tools look for named namespaces too.
const dir = "/run/netns"

// Names lists the named namespaces whose name begins with prefix, sorted.
func Names(prefix string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list namespaces: %w", err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// RemoveAll removes every named namespace whose name begins with prefix, those
// of a crashed run included, and returns the names. Processes inside keep
// running: see Processes. An empty prefix is refused, since it would take away
// the namespaces of others.
func RemoveAll(prefix string) ([]string, error) {
	if prefix == "" {
		return nil, errors.New("remove namespaces: the prefix must not be empty")
	}
	names, err := Names(prefix)
	if err != nil {
		return nil, err
	}
	var removed []string
	var errs []error
	for _, name := range names {
		if err := remove(name); err != nil {
			errs = append(errs, fmt.Errorf("remove namespace %q: %w", name, err))
			continue
		}
		removed = append(removed, name)
	}
	return removed, errors.Join(errs...)
}

// Processes lists the ids of the processes that run in the named namespace. A
// lab ends them before it removes what a crashed run left behind.
func Processes(name string) ([]int, error) {
	var want, got unix.Stat_t
	if err := unix.Stat(filepath.Join(dir, name), &want); err != nil {
		return nil, fmt.Errorf("open namespace %q: %w", name, err)
	}
	paths, err := filepath.Glob("/proc/[0-9]*/ns/net")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var pids []int
	for _, path := range paths {
		// A process may end between the listing and the look.
		if unix.Stat(path, &got) != nil || got.Ino != want.Ino || got.Dev != want.Dev {
			continue
		}
		pid, err := strconv.Atoi(strings.Split(path, "/")[2])
		if err != nil {
			return nil, fmt.Errorf("read process id from %s: %w", path, err)
		}
		pids = append(pids, pid)
	}
	return pids, nil
}

// remove takes a name away, also that of a run that crashed after making the
// file and before mounting the namespace on it.
func remove(name string) error {
	err := vnetns.DeleteNamed(name)
	if errors.Is(err, unix.EINVAL) {
		err = os.Remove(filepath.Join(dir, name))
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
