package main

import (
	"context"
	"fmt"
	"maps"
	"strconv"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/forest"
	"github.com/canopy-sync/canopy/lab"
)

// The account that the product reads a forest with, and the domain of small users.
const (
	reader     = "canopy"
	readerWord = "Bench-only-0-secret"
	domainName = "contoso.lab"
	mailDomain = "contoso.com"
)

// directory is a forest in a process of its own.
type directory struct {
	server *forest.Server
	people []string // DNs
	turn   int      // of the changes so far
}

func (d *directory) close() error {
	if d.server == nil {
		return nil
	}
	return d.server.Close()
}

func (d *directory) do(ctx context.Context, o *order) (answer, error) {
	switch o.Do {
	case "fill":
		s, err := d.fill(ctx, o)
		return answer{Forest: s}, err
	case "touch":
		return answer{}, d.touch(o.Count)
	case "member":
		op := "add"
		if o.Remove {
			op = "delete"
		}
		return answer{}, d.server.Modify(d.group(o.Group), forest.Mod{Op: op, Attr: "member", Values: []string{d.user(o.User)}})
	case "cpu":
		return answer{Seconds: used().Seconds()}, nil
	}
	return answer{}, fmt.Errorf("a forest cannot %q", o.Do)
}

// contoso is the lab's first forest, with this many people.
func contoso(people int) lab.Directory {
	return lab.Generate(lab.Population{Seed: 1, People: 2 * people})[0]
}

// fill starts the forest with what the order says.
func (d *directory) fill(ctx context.Context, o *order) (*served, error) {
	var err error
	d.server, err = forest.Start(ctx, forest.Options{Domain: domainName, Netbios: "CONTOSO", Seed: 1, Exchange: true, Behave: forest.Windows(),
		Accounts: []forest.Account{{Name: reader, Password: readerWord, Rights: forest.Rights{Replicate: true, Deleted: true}}}})
	if err != nil {
		return nil, err
	}
	s := &served{URL: d.server.URL(), CA: string(d.server.CA()), Account: `CONTOSO\` + reader, Password: readerWord}
	if o.People > 0 {
		if err := d.lab(o.People); err != nil {
			return nil, err
		}
	}
	if o.Users > 0 {
		if err := d.small(o.Users, o.Groups); err != nil {
			return nil, err
		}
	}
	s.Objects, s.People = d.server.Count(), len(d.people)
	return s, nil
}

// lab fills the forest with the lab's people.
func (d *directory) lab(people int) error {
	dir := contoso(people)
	for i := range dir.Objects {
		o := &dir.Objects[i]
		attrs := maps.Clone(o.Attrs)
		attrs["objectGUID"] = []string{o.GUID}
		if o.SID != "" {
			attrs["objectSid"] = []string{o.SID}
		}
		if err := d.server.Add(o.DN, attrs); err != nil {
			if canopy.KindOf(err) == canopy.Conflict { // the forest has it from birth
				continue
			}
			return err
		}
		if o.Person() {
			d.people = append(d.people, o.DN)
		}
	}
	for list := dir.Links; len(list) > 0; {
		n := 0
		var targets []string
		for n < len(list) && list[n].DN == list[0].DN && list[n].Attr == list[0].Attr {
			targets = append(targets, list[n].Target)
			n++
		}
		if err := d.server.Modify(list[0].DN, forest.Mod{Op: "add", Attr: list[0].Attr, Values: targets}); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

func (d *directory) user(n int) string {
	return fmt.Sprintf("CN=user%06d,OU=Small,%s", n, d.server.Base())
}

func (d *directory) group(members int) string {
	return fmt.Sprintf("CN=Group of %d,OU=Small,%s", members, d.server.Base())
}

// small makes users with few attributes, and groups of the first of them.
func (d *directory) small(users int, groups []int) error {
	if err := d.server.Add("OU=Small,"+d.server.Base(), map[string][]string{"objectClass": {"organizationalUnit"}}); err != nil {
		return err
	}
	for i := range users {
		name := fmt.Sprintf("user%06d", i)
		err := d.server.Add(d.user(i), map[string][]string{"objectClass": {"user"}, "sAMAccountName": {name}, "displayName": {"User " + strconv.Itoa(i)},
			"userPrincipalName": {name + "@" + mailDomain}, "mail": {name + "@" + mailDomain}, "userAccountControl": {"512"}})
		if err != nil {
			return err
		}
		d.people = append(d.people, d.user(i))
	}
	for _, members := range groups {
		list := make([]string, members)
		for i := range list {
			list[i] = d.user(i)
		}
		err := d.server.Add(d.group(members), map[string][]string{"objectClass": {"group"}, "sAMAccountName": {"group" + strconv.Itoa(members)},
			"displayName": {"Group of " + strconv.Itoa(members)}, "groupType": {"-2147483640"}, "member": list})
		if err != nil {
			return err
		}
	}
	return nil
}

// touch gives people, spread over all of them, another telephone number.
func (d *directory) touch(count int) error {
	d.turn++
	for i := range count {
		dn := d.people[i*len(d.people)/count]
		if err := d.server.Modify(dn, forest.Mod{Op: "replace", Attr: "telephoneNumber", Values: []string{fmt.Sprintf("+43 %d %d", d.turn, i)}}); err != nil {
			return err
		}
	}
	return nil
}
