package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
)

const fewMembers = 10

// measureMember adds one member, and removes it, in a small group and in a large one.
func measureMember(ctx context.Context, o *options, r *result, progress io.Writer) (err error) {
	spare := 2 * o.Repeats
	fmt.Fprintf(progress, "filling a forest with groups of %d and %d\n", fewMembers, o.Members)
	f, served, err := openForest(ctx, order{Users: o.Members + spare, Groups: []int{fewMembers, o.Members}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.stop()) }()
	p, err := openProduct(ctx, o, served.source())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	fmt.Fprintf(progress, "first cycle\n")
	c, err := p.cycle(order{Profile: o.profileOf("member")})
	if err != nil {
		return err
	}
	r.add(fmt.Sprintf("first cycle, %d users with few attributes, one group with %d", o.Members+spare, o.Members), c.Read, c, "")
	if err := quiet(p.child); err != nil {
		return err
	}
	fmt.Fprintf(progress, "one member, %d times\n", spare)
	own := map[int][]float64{}
	last := map[int]*cycle{}
	for i := range spare {
		turn := []int{fewMembers, o.Members}
		if i/2%2 == 1 { // neither is always the first
			slices.Reverse(turn)
		}
		for _, group := range turn {
			// Who is added in one round is removed in the next.
			if _, err := f.ask(order{Do: "member", Group: group, User: o.Members + i/2, Remove: i%2 == 1}); err != nil {
				return err
			}
			what := order{}
			if i == spare-1 {
				what.Profile = o.profileOf(fmt.Sprintf("member-of-%d", group))
			}
			c, server, err := beside(f, p, what)
			if err != nil {
				return err
			}
			if c.Links != 1 {
				return fmt.Errorf("one member of the group of %d changed, and %d links were written", group, c.Links)
			}
			if last[group] = c; what.Profile == "" {
				own[group] = append(own[group], 1000*(c.Seconds-server))
			}
		}
	}
	for _, group := range []int{fewMembers, o.Members} {
		r.add(fmt.Sprintf("one member of a group of %d", group), 1, last[group], "the last of them")
		r.tell(fmt.Sprintf("one member of %d, without the server's time", group), median(own[group]), "ms")
	}
	r.below(fmt.Sprintf("one member of %d : of %d", o.Members, fewMembers), median(own[o.Members])/median(own[fewMembers]), "x", 1.2)
	return nil
}
