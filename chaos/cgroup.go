package chaos

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// group is the control group (cgroup v2) that everything on a host runs in: it
// is frozen, thawed and killed at one stroke, as a machine would be.
type group struct {
	dir  string
	open *os.File // processes are started into it
}

// groupRoots are where cgroup v2 is mounted: alone, or beside v1.
var groupRoots = []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}

func groupRoot() (string, error) {
	for _, dir := range groupRoots {
		if _, err := os.Stat(filepath.Join(dir, "cgroup.controllers")); err == nil {
			return dir, nil
		}
	}
	return "", fmt.Errorf("find cgroup v2: it is mounted on none of %v", groupRoots)
}

func newGroup(name string) (*group, error) {
	root, err := groupRoot()
	if err != nil {
		return nil, err
	}
	g := &group{dir: filepath.Join(root, name)}
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		return nil, fmt.Errorf("make control group: %w", err)
	}
	if g.open, err = os.Open(g.dir); err != nil {
		return nil, errors.Join(fmt.Errorf("open control group: %w", err), os.Remove(g.dir))
	}
	return g, nil
}

// enter makes cmd start in the group: it and its children are never outside.
func (g *group) enter(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(g.open.Fd())
}

func (g *group) write(file, value string) error {
	if err := os.WriteFile(filepath.Join(g.dir, file), []byte(value), 0); err != nil {
		return fmt.Errorf("write %s of control group: %w", file, err)
	}
	return nil
}

// freeze stops everything in the group wherever it is, and waits for that.
func (g *group) freeze(ctx context.Context) error {
	return errors.Join(g.write("cgroup.freeze", "1"), g.await(ctx, "frozen 1"))
}

// thaw lets everything in the group go on.
func (g *group) thaw(ctx context.Context) error {
	return errors.Join(g.write("cgroup.freeze", "0"), g.await(ctx, "frozen 0"))
}

// kill ends everything in the group with SIGKILL, frozen or not. It is frozen
// meanwhile, so that nobody sees another die, or starts one more. The kernel's
// own way, cgroup.kill, is not used: from then on, Linux 6.18 kills whatever is
// started into the group with CLONE_INTO_CGROUP.
func (g *group) kill() error {
	errs := []error{g.write("cgroup.freeze", "1")}
	pids, err := g.pids()
	errs = append(errs, err)
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); !errors.Is(err, syscall.ESRCH) {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, g.write("cgroup.freeze", "0"))...)
}

// empty waits until nothing runs in the group.
func (g *group) empty(ctx context.Context) error { return g.await(ctx, "populated 0") }

// await waits for a line of cgroup.events.
func (g *group) await(ctx context.Context, line string) error {
	return until(ctx, func() error {
		text, err := os.ReadFile(filepath.Join(g.dir, "cgroup.events"))
		if err == nil && !strings.Contains(string(text), line) {
			err = fmt.Errorf("wait for %q of control group %s", line, filepath.Base(g.dir))
		}
		return err
	})
}

// pids are the processes in the group.
func (g *group) pids() ([]int, error) {
	text, err := os.ReadFile(filepath.Join(g.dir, "cgroup.procs"))
	if err != nil {
		return nil, fmt.Errorf("list processes of control group: %w", err)
	}
	var pids []int
	for field := range strings.FieldsSeq(string(text)) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			return nil, fmt.Errorf("list processes of control group: %w", err)
		}
		pids = append(pids, pid)
	}
	return pids, nil
}

// close ends what still runs in the group and removes it.
func (g *group) close() error {
	return errors.Join(g.open.Close(), removeGroup(g.dir))
}

func removeGroup(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	g := &group{dir: dir}
	err := errors.Join(g.kill(), g.empty(ctx))
	if err == nil {
		err = until(ctx, func() error { return os.Remove(dir) }) // busy until the dead are buried
	}
	if _, gone := os.Stat(dir); errors.Is(gone, fs.ErrNotExist) {
		return nil
	}
	return err
}

// groupNames lists the control groups whose name begins with prefix.
func groupNames(prefix string) ([]string, error) {
	var all []string
	for _, root := range groupRoots {
		dirs, err := filepath.Glob(filepath.Join(root, prefix+"*"))
		if err != nil {
			return nil, fmt.Errorf("list control groups: %w", err)
		}
		all = append(all, dirs...)
	}
	return all, nil
}
