package lab

import "strings"

// exchange gives a few objects the links of Exchange that an administrator or their owner sets: who may send to the list
// of everybody, who speaks for a head of department, who gets the mail of somebody who is away, who uses a shared mailbox.
func (b *builder) exchange(s *site) {
	var heads, others []*person
	for _, p := range s.staff {
		switch {
		case !p.mailbox:
		case p.head:
			heads = append(heads, p)
		default:
			others = append(others, p)
		}
	}
	if len(heads) == 0 || len(others) < 2 {
		return
	}
	b.restrict(s, heads)
	for i, p := range heads[:min(3, len(heads))] {
		s.link(p.dn, "publicDelegates", colleague(p, others, i).dn)
	}
	for i := 0; i <= len(others)/100; i++ {
		away := others[len(others)-1-i]
		away.set("deliverAndRedirect", "TRUE")
		s.link(away.dn, "altRecipient", colleague(away, others, 0).dn)
	}
	for i := range s.Objects {
		if o := &s.Objects[i]; strings.Contains(o.DN, ",OU=Shared,") && o.Attrs["msExchMailboxGuid"] != nil {
			s.link(o.DN, "msExchDelegateListLink", pick(b, others).dn)
		}
	}
}

// restrict lets the heads, and who is in Human Resources, write to the list of everybody.
func (b *builder) restrict(s *site, heads []*person) {
	everyone, hr := s.named("Everyone at "+s.Company), s.named("Human Resources")
	if everyone == "" {
		return
	}
	for _, p := range heads[:min(5, len(heads))] {
		s.link(everyone, "authOrig", p.dn)
	}
	if hr != "" {
		s.link(everyone, "dLMemSubmitPerms", hr)
	}
}

// named is the DN of a group, "" when there is none.
func (s *site) named(group string) string {
	for i := range s.Objects {
		if o := &s.Objects[i]; o.Class() == "group" && o.Attrs["cn"][0] == group {
			return o.DN
		}
	}
	return ""
}

// colleague is somebody of the same department, else the first of another.
func colleague(p *person, list []*person, skip int) *person {
	for _, c := range list {
		if c != p && c.dept == p.dept {
			return c
		}
	}
	for _, c := range list[min(skip, len(list)-1):] {
		if c != p {
			return c
		}
	}
	return list[0]
}
