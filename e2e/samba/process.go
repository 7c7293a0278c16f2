package samba

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a running samba: the first process of a session of its own, in which all its children stay.
type process struct {
	pid   int
	start uint64        // when it started, in the kernel's ticks: a guard against a number that is used again
	stdin io.Closer     // samba ends when this end of the pipe closes, however this process dies
	ended chan struct{} // closed when the first process has been reaped
}

// launch starts samba on the files that are there and waits until it answers.
func (d *DC) launch(ctx context.Context) error {
	began := time.Now()
	out, err := os.OpenFile(filepath.Join(d.dir, "log", "samba.out"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command("samba", "--interactive", "--no-process-group", "--model=prefork", "--configfile="+d.conf())
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start samba: %w", err)
	}
	p := &process{pid: cmd.Process.Pid, stdin: stdin, ended: make(chan struct{})}
	p.start, _, _ = statOf(p.pid)
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(p.ended)
	}()
	d.proc = p
	if err := d.record(p.pid, p.start); err != nil {
		return err
	}
	if err := d.await(ctx); err != nil {
		return errors.Join(err, d.Kill())
	}
	d.Times.Start = time.Since(began)
	return nil
}

// await polls until LDAP, LDAPS and Kerberos answer.
func (d *DC) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := d.ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-d.proc.ended:
			return fmt.Errorf("samba ended by itself:\n%s", d.LogTail(30))
		case <-ctx.Done():
			return fmt.Errorf("samba does not answer: %w; last: %w\n%s", ctx.Err(), err, d.LogTail(30))
		case <-tick.C:
		}
	}
}

// Running tells whether the controller's first process is alive, frozen or not.
func (d *DC) Running() bool {
	if d.proc == nil {
		return false
	}
	select {
	case <-d.proc.ended:
		return false
	default:
		return true
	}
}

// Stop ends the controller in order. Its files stay; Restart starts it again.
func (d *DC) Stop() error { return d.end(syscall.SIGTERM) }

// Kill ends the controller as a crash does. Its files stay; Restart starts it again.
func (d *DC) Kill() error { return d.end(syscall.SIGKILL) }

func (d *DC) end(sig syscall.Signal) error {
	p := d.proc
	if p == nil {
		return nil
	}
	err := endSession(p.pid, p.start, sig)
	_ = p.stdin.Close() // nobody reads it any more
	if err == nil {
		<-p.ended
		d.proc = nil
		err = d.record(0, 0)
	}
	return err
}

// Restart stops the controller if it runs and starts it again on the same files.
func (d *DC) Restart(ctx context.Context) error {
	if err := d.Stop(); err != nil {
		return err
	}
	return d.launch(ctx)
}

// Freeze stops every process in its tracks: connections are taken by the kernel, and nobody answers.
func (d *DC) Freeze() error { return d.signal(syscall.SIGSTOP) }

// Thaw ends a Freeze.
func (d *DC) Thaw() error { return d.signal(syscall.SIGCONT) }

func (d *DC) signal(sig syscall.Signal) error {
	if !d.Running() {
		return fmt.Errorf("the domain controller of %s does not run", d.o.Domain)
	}
	for _, pid := range session(d.proc.pid, d.proc.start) {
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
	return nil
}

// KillWorkers kills the processes that hold LDAP connections, which samba then replaces, and tells how many there were.
func (d *DC) KillWorkers() (int, error) {
	if !d.Running() {
		return 0, fmt.Errorf("the domain controller of %s does not run", d.o.Domain)
	}
	n := 0
	for _, pid := range session(d.proc.pid, d.proc.start) {
		title, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil || !bytes.Contains(title, []byte("ldap")) || !bytes.Contains(title, []byte("worker")) {
			continue
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err == nil {
			n++
		}
	}
	if n == 0 {
		return 0, fmt.Errorf("the domain controller of %s has no LDAP workers", d.o.Domain)
	}
	return n, nil
}

// endSession ends all processes of the session that the process pid began at start, and waits until they are gone.
func endSession(pid int, start uint64, sig syscall.Signal) error {
	all := session(pid, start)
	if sig == syscall.SIGTERM && len(all) > 0 {
		for _, p := range all {
			_ = syscall.Kill(p, syscall.SIGCONT) // it may be frozen; gone is as good
		}
		_ = syscall.Kill(pid, sig)
	}
	begin := time.Now()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		all = session(pid, start)
		waited := time.Since(begin)
		switch {
		case len(all) == 0:
			return nil
		case waited > 20*time.Second:
			return fmt.Errorf("processes %v of samba %d do not end", all, pid)
		case sig == syscall.SIGKILL, waited > 5*time.Second:
			for _, p := range all {
				_ = syscall.Kill(p, syscall.SIGKILL)
			}
		}
		<-tick.C
	}
}

// session lists the living processes of the session that the process pid began at start, that one first. Zombies do
// not count. When pid is another process by now there are none.
func session(pid int, start uint64) []int {
	if pid <= 0 {
		return nil
	}
	if at, _, err := statOf(pid); err == nil && at != start {
		return nil
	}
	names, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	var all []int
	for _, name := range names {
		n, err := strconv.Atoi(filepath.Base(name))
		if err != nil {
			continue
		}
		if at, sid, err := statOf(n); err == nil && sid == pid && at >= start {
			if n == pid {
				all = append([]int{n}, all...)
			} else {
				all = append(all, n)
			}
		}
	}
	return all
}

// statOf tells when a process started and its session. A process that is gone is an error, a zombie has session 0.
func statOf(pid int) (start uint64, sid int, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	// pid (name with anything) state ppid pgrp session ... starttime is field 22
	at := bytes.LastIndexByte(text, ')')
	f := strings.Fields(string(text[at+1:]))
	if at < 0 || len(f) < 20 {
		return 0, 0, fmt.Errorf("unexpected /proc/%d/stat: %q", pid, text)
	}
	if start, err = strconv.ParseUint(f[19], 10, 64); err != nil {
		return 0, 0, err
	}
	if f[0] == "Z" || f[0] == "X" {
		return start, 0, nil
	}
	sid, err = strconv.Atoi(f[3])
	return start, sid, err
}
