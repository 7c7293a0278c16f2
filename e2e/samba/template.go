package samba

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// orCopy fills the controller's directory from a template of this kind, or else by fill, and makes that the template.
func (d *DC) orCopy(ctx context.Context, kind string, wanted bool, fill func() error) error {
	if d.o.Templates == "" || !wanted {
		return fill()
	}
	template := filepath.Join(d.o.Templates, d.o.Domain+"-"+d.o.IP+"-"+kind)
	if _, err := os.Stat(template); err == nil {
		return errors.Join(copyTree(ctx, template, d.dir), d.configure())
	}
	if err := fill(); err != nil {
		return err
	}
	if err := copyTree(ctx, d.dir, template+".part"); err != nil {
		return err
	}
	return os.Rename(template+".part", template)
}

// copyTree copies all of a directory. The databases are files of gigabytes with holes, which stay holes.
func copyTree(ctx context.Context, from, to string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "cp", "--archive", "--sparse=always", from+"/.", to).CombinedOutput(); err != nil {
		return fmt.Errorf("copy %s: %w: %s", from, err, out)
	}
	return nil
}
