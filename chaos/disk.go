package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// diskSize is the size of a node's disk. The image is sparse.
const diskSize = 96 << 20

// Of linux/fs.h and fs/ext4/ext4.h.
const (
	ioctlFreeze   = 0xc0045877 // FIFREEZE
	ioctlThaw     = 0xc0045878 // FITHAW
	ioctlShutdown = 0x8004587d // EXT4_IOC_SHUTDOWN
	noLogFlush    = 2          // EXT4_GOING_FLAGS_NOLOGFLUSH: what was not synced is lost
)

// disk is an ext4 file system in a file, which breaks as one on a real disk does.
type disk struct {
	image, dir string
}

// mountMemory mounts a file system in memory on a new directory, with room for so
// many bytes: disks in it break only when they are told to.
func mountMemory(dir string, size int) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("make directory of disks: %w", err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, fmt.Sprintf("size=%d", size+1<<20)); err != nil {
		return fmt.Errorf("mount memory on %s: %w", dir, err)
	}
	return nil
}

// newDisk makes a disk and mounts it on dir.
func newDisk(image, dir string) (*disk, error) {
	file, err := os.OpenFile(image, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make disk: %w", err)
	}
	if err := errors.Join(file.Truncate(diskSize), file.Close(), os.MkdirAll(dir, 0o700)); err != nil {
		return nil, fmt.Errorf("make disk: %w", err)
	}
	// No space is kept back for root, who the nodes of a lab run as.
	out, err := exec.Command("mkfs.ext4", "-q", "-F", "-m", "0", "-J", "size=4", image).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("make file system with mkfs.ext4 (package e2fsprogs): %w: %s", err, strings.TrimSpace(string(out)))
	}
	d := &disk{image: image, dir: dir}
	return d, d.mount()
}

// mount attaches the image to a loop device, which goes away with the mount, and
// mounts it. What the journal holds is replayed, as after a power cut.
func (d *disk) mount() error {
	device, err := d.attach()
	if err == nil {
		defer device.Close()
		err = unix.Mount(device.Name(), d.dir, "ext4", unix.MS_NOATIME, "")
	}
	if err != nil {
		return fmt.Errorf("mount disk on %s: %w", d.dir, err)
	}
	return nil
}

func (d *disk) attach() (*os.File, error) {
	image, err := os.OpenFile(d.image, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer image.Close()
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer control.Close()
	for {
		n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return nil, fmt.Errorf("find a free loop device: %w", err)
		}
		device, err := os.OpenFile(fmt.Sprintf("/dev/loop%d", n), os.O_RDWR, 0)
		if err != nil {
			return nil, err
		}
		err = unix.IoctlLoopConfigure(int(device.Fd()), &unix.LoopConfig{
			Fd:   uint32(image.Fd()),
			Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR},
		})
		if err == nil {
			return device, nil
		}
		device.Close()
		if !errors.Is(err, unix.EBUSY) { // somebody else took it meanwhile
			return nil, fmt.Errorf("attach %s to loop device %d: %w", d.image, n, err)
		}
	}
}

// ioctl does something to the file system as a whole. The argument is 4 bytes.
func (d *disk) ioctl(name string, request uint, arg int) error {
	dir, err := os.Open(d.dir)
	if err == nil {
		defer dir.Close()
		err = unix.IoctlSetPointerInt(int(dir.Fd()), request, arg)
	}
	if err != nil {
		return fmt.Errorf("%s disk of %s: %w", name, d.dir, err)
	}
	return nil
}

// freeze lets everything that writes, or syncs, wait.
func (d *disk) freeze() error { return d.ioctl("freeze", ioctlFreeze, 0) }

func (d *disk) thaw() error {
	if err := d.ioctl("thaw", ioctlThaw, 0); !errors.Is(err, unix.EINVAL) { // was not frozen
		return err
	}
	return nil
}

// fail makes every access from now on an input/output error, and loses what was
// not synced.
func (d *disk) fail() error { return d.ioctl("shut down", ioctlShutdown, noLogFlush) }

// replace mounts the disk anew. Nobody may use it.
func (d *disk) replace() error {
	if err := unix.Unmount(d.dir, 0); err != nil && !errors.Is(err, unix.EINVAL) { // not mounted
		return fmt.Errorf("unmount %s: %w", d.dir, err)
	}
	return d.mount()
}

func (d *disk) ballast() string { return filepath.Join(d.dir, "ballast") }

// fill writes a file until there is no room left.
func (d *disk) fill() error {
	file, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("fill disk: %w", err)
	}
	defer file.Close()
	for size := 1 << 20; size > 0; {
		switch _, err := file.Write(make([]byte, size)); {
		case errors.Is(err, unix.ENOSPC):
			size /= 2
		case err != nil:
			return fmt.Errorf("fill disk: %w", err)
		}
	}
	return nil
}

func (d *disk) empty() error {
	if err := os.Remove(d.ballast()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("empty disk: %w", err)
	}
	return nil
}

// mountsBelow lists what is mounted on a directory or below, the innermost first.
func mountsBelow(dir string) ([]string, error) {
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, fmt.Errorf("list mounts: %w", err)
	}
	var mounts []string
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && (fields[1] == dir || strings.HasPrefix(fields[1], dir+"/")) {
			mounts = append(mounts, fields[1])
		}
	}
	slices.Reverse(mounts)
	return mounts, nil
}

// unmountBelow takes away what is mounted on a directory or below. A file system
// that is still frozen is thawed first.
func unmountBelow(dir string) error {
	mounts, err := mountsBelow(dir)
	errs := []error{err}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, m := range mounts {
		_ = (&disk{dir: m}).thaw()
		// A loop device lets go of its image a little after the last one who used it.
		err := until(ctx, func() error { return unix.Unmount(m, 0) })
		if err != nil {
			errs = append(errs, fmt.Errorf("unmount %s: %w", m, err))
		}
	}
	return errors.Join(errs...)
}
