package samba

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
)

//go:embed testdata/dsacl.py
var dsacl []byte

// The rights that Grant can give, in SDDL; {name} is filled in by Grant.
const (
	aceGetChanges    = "(OA;;CR;1131f6aa-9c07-11d1-f79f-00c04fc2dcd2;;{%s})"
	aceGetChangesAll = "(OA;;CR;1131f6ad-9c07-11d1-f79f-00c04fc2dcd2;;{%s})"
	aceReadAll       = "(A;CI;RPLCLORC;;;{%s})"
)

// Rights are what an account may do beyond reading.
type Rights uint8

// The rights; they add up.
const (
	Replicate    Rights = 1 << iota // DS-Replication-Get-Changes on the domain: the DirSync control
	ReplicateAll                    // DS-Replication-Get-Changes-All: secrets
	ReadDeleted                     // sees CN=Deleted Objects; Samba hides deletions from DirSync without it
	ReadForeign                     // sees who stands for members of other forests; the schema lets ordinary accounts see their names only
)

// Reader are the rights that an account needs to read a forest fully.
const Reader = Replicate | ReadDeleted | ReadForeign

// AddService adds an account that reads the directory, with the rights given, and none but those.
func (d *DC) AddService(ctx context.Context, name, password string, r Rights) (Account, error) {
	a, err := d.AddUser(ctx, "", name, password, nil)
	if err != nil {
		return a, err
	}
	return a, d.Grant(ctx, name, r)
}

// Grant gives rights to an account.
func (d *DC) Grant(ctx context.Context, name string, r Rights) error {
	var domain []string
	if r&Replicate != 0 {
		domain = append(domain, fmt.Sprintf(aceGetChanges, name))
	}
	if r&ReplicateAll != 0 {
		domain = append(domain, fmt.Sprintf(aceGetChangesAll, name))
	}
	var errs []error
	if len(domain) > 0 {
		errs = append(errs, d.Allow(ctx, d.Base(), domain...))
	}
	if r&ReadDeleted != 0 {
		errs = append(errs, d.Allow(ctx, "CN=Deleted Objects,"+d.Base(), fmt.Sprintf(aceReadAll, name)))
	}
	if r&ReadForeign != 0 {
		errs = append(errs, d.Allow(ctx, "CN=ForeignSecurityPrincipals,"+d.Base(), fmt.Sprintf(aceReadAll, name)))
	}
	return errors.Join(errs...)
}

// Allow adds ACEs in SDDL to an object, where {name} stands for an account's SID: "(OA;CIIO;WP;...;...;{writer})".
func (d *DC) Allow(ctx context.Context, dn string, aces ...string) error {
	script := d.path("etc", "dsacl.py")
	if err := os.WriteFile(script, dsacl, 0o600); err != nil {
		return err
	}
	if _, err := d.Tool(ctx, python, append([]string{script, d.Sam(), dn}, aces...)...); err != nil {
		return fmt.Errorf("give rights on %s: %w", dn, err)
	}
	return nil
}

// Keytab writes an account's Kerberos keys to a new file.
func (d *DC) Keytab(ctx context.Context, a Account, file string) error {
	if _, err := d.Tool(ctx, "samba-tool", "domain", "exportkeytab", file, "--principal="+a.Name); err != nil {
		return fmt.Errorf("export the keys of %s: %w", a.Name, err)
	}
	return nil
}

// Expunge removes deleted objects for good, as the directory does after 180 days.
func (d *DC) Expunge(ctx context.Context) error {
	_, err := d.Tool(ctx, "samba-tool", "domain", "tombstones", "expunge", "-H", d.Sam(), "--tombstone-lifetime=0")
	return err
}
