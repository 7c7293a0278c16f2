package tenant

import (
	"context"
	"errors"
	"fmt"

	"github.com/canopy-sync/canopy"
)

// portion is how many exports share a transaction.
const portion = 1000

// door is the native door.
type door struct{ t *Tenant }

// Write carries exports out in transactions of at most a thousand. When a transaction cannot be kept its exports are
// answered with Later, and only when none could be is there an error.
func (d door) Write(ctx context.Context, exports []canopy.Export) ([]canopy.Result, error) {
	results := make([]canopy.Result, 0, len(exports))
	kept := false
	for rest := exports; len(rest) > 0; rest = rest[min(portion, len(rest)):] {
		part := rest[:min(portion, len(rest))]
		answers, err := d.t.portion(ctx, part)
		if err != nil && !kept {
			return nil, fmt.Errorf("write to the tenant: %w", err)
		}
		if err != nil {
			answers = answers[:0]
			for _, e := range part {
				answers = append(answers, canopy.Result{Export: e.ID, Kind: canopy.Later, Code: CodeBusy, Text: err.Error()})
			}
		}
		kept = true
		results = append(results, answers...)
	}
	return results, nil
}

// portion writes exports in one transaction.
func (t *Tenant) portion(ctx context.Context, exports []canopy.Export) ([]canopy.Result, error) {
	results := make([]canopy.Result, len(exports))
	err := t.update(ctx, func(x *tx) error {
		if err := x.foresee(exports); err != nil {
			return err
		}
		for i := range exports {
			if err := ctx.Err(); err != nil {
				return err
			}
			var err error
			if results[i], err = x.export(&exports[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return results, err
}

// export carries one export out. An error is the file's; what the service says is in the result.
func (x *tx) export(e *canopy.Export) (canopy.Result, error) {
	x.t.exports++
	x.subject = nil
	if x.t.opt.Fail != nil {
		if kind := x.t.opt.Fail(x.t.exports); kind != canopy.Done {
			return canopy.Result{Export: e.ID, Kind: kind, Code: CodeBusy, Text: "the service was told to fail this export"}, nil
		}
	}
	var result canopy.Result
	var err error
	if x.conf.SyncOff != 0 {
		return canopy.Result{Export: e.ID, Kind: canopy.Denied, Code: CodeSyncOff,
			Text: "synchronisation is switched off in the tenant; switch it on: canopy tenant switch set synchronization on"}, nil
	}
	if x.conf.Switches.DenyAccount {
		return canopy.Result{Export: e.ID, Kind: canopy.Denied, Code: CodeAccess,
			Text: "the account of synchronisation has not the role that writing takes (Directory Synchronization Accounts); give it back: canopy tenant switch set denySynchronizationAccount off"}, nil
	}
	switch e.Op {
	case canopy.Add:
		result, err = x.add(e)
	case canopy.Modify:
		result, err = x.modify(e)
	case canopy.Delete:
		result, err = x.remove(e)
	case canopy.Move:
		err = refuse(CodeOperation, "", "the tenant has no containers; nothing can be moved in it")
	default:
		err = refuse(CodeOperation, "", "there is no operation %d", e.Op)
	}
	var no *refusal
	if errors.As(err, &no) {
		result = canopy.Result{Kind: no.kind, Code: no.code, Text: no.text}
		err = nil
	}
	if err == nil {
		err = x.provision(e, result)
	}
	result.Export = e.ID
	return result, err
}

// add makes an object, or takes over the one that it matches. Adding again is the same as adding once.
func (x *tx) add(e *canopy.Export) (canopy.Result, error) {
	if classesOf(e.Class) == 0 {
		return canopy.Result{}, refuse(CodeOperation, "", "the tenant has no objects of class %q", e.Class)
	}
	anchor, err := anchorOf(e)
	if err != nil {
		return canopy.Result{}, err
	}
	if err := x.check(e); err != nil {
		return canopy.Result{}, err
	}
	r, how, err := x.match(e, anchor)
	if err != nil {
		return canopy.Result{}, err
	}
	switch {
	case r == nil:
		r = &record{class: e.Class, anchor: anchor, synced: true, own: newBody(), kept: newBody(), cloud: newBody()}
		if r.oid, err = x.newObjectID(); err != nil {
			return canopy.Result{}, err
		}
	case !r.synced:
		r.takeOver(anchor, x.seq+1)
	case r.anchor == "":
		r.anchor = anchor
	}
	back := how == restored
	r.deleted = 0
	failed, err := x.apply(e, r, back)
	if err != nil {
		return canopy.Result{}, err
	}
	return canopy.Result{Kind: canopy.Done, Anchor: r.oid, Match: how, Failed: failed}, nil
}

// takeOver makes a cloud object a synchronised one: what it held is kept until something synced overwrites it.
func (r *record) takeOver(anchor string, seq int64) {
	kept := r.values()
	r.kept = newBody()
	for name, v := range kept {
		if name != canopy.AttrSourceAnchor {
			r.kept.attrs[name] = v
		}
	}
	r.own.replace(nil, seq)
	r.synced, r.moved, r.anchor = true, ofTheCloud, anchor
}

// match finds the object that an Add meets; nil when it is to be made.
func (x *tx) match(e *canopy.Export, anchor string) (*record, string, error) {
	n := newcomer{class: e.Class, anchor: anchor, object: e.Set.Text(attrObjectID), switches: x.conf.Switches, policy: x.conf.Policy}
	r, err := x.byAnchor(anchor)
	if err != nil {
		return nil, "", err
	}
	if r != nil {
		how, no := hardMatch(n, holderOf(r))
		if no != nil {
			return nil, "", no
		}
		return r, how, nil
	}
	if r, err = x.unanchored(e); r != nil || err != nil {
		return r, byAnchor, err
	}
	keys := []softKey{{how: byAddress, attr: canopy.AttrAddresses, value: primaryOf(e.Set[canopy.AttrAddresses])}}
	if e.Class == canopy.User {
		keys = append(keys, softKey{how: byUPN, attr: canopy.AttrUPN, value: e.Set.Text(canopy.AttrUPN)})
	}
	kinds := map[string]string{byAddress: keyPrimary, byUPN: keyUPN}
	var claims []claim
	for _, k := range keys {
		if k.value != "" {
			claims = append(claims, claim{key: kinds[k.how] + canopy.Fold(k.value)})
		}
	}
	holders, err := x.holdersOf(claims)
	if err != nil {
		return nil, "", err
	}
	for i, k := range keys {
		keys[i].holders = holders[kinds[k.how]+canopy.Fold(k.value)]
	}
	h, how, no := softMatch(n, keys)
	if no != nil || h == nil {
		return nil, "", asError(no)
	}
	r, err = x.byNumber(h.id)
	return r, how, err
}

// asError keeps a nil refusal a nil error.
func asError(r *refusal) error {
	if r == nil {
		return nil
	}
	return r
}

// modify changes an object. A cloud object that has the export's anchor is taken over first, as by an Add.
func (x *tx) modify(e *canopy.Export) (canopy.Result, error) {
	r, err := x.find(e)
	if err != nil {
		return canopy.Result{}, err
	}
	if err := x.check(e); err != nil {
		return canopy.Result{}, err
	}
	how := ""
	if err := mayTake(r); err != nil {
		return canopy.Result{}, err
	}
	if !r.synced {
		if r.anchor == "" {
			return canopy.Result{}, refuse(CodeCloudOnlyWrite, "", "%s belongs to the cloud; it can only be matched", r.name())
		}
		no := error(nil)
		n := newcomer{class: r.class, anchor: r.anchor, object: e.Set.Text(attrObjectID), switches: x.conf.Switches, policy: x.conf.Policy}
		if how, no = hardMatchError(n, r); no != nil {
			return canopy.Result{}, no
		}
		r.synced, r.moved = true, ofTheCloud
	}
	write := x.apply
	if how == "" && len(e.Set)+len(e.Clear) == 0 { // r may be without its values, see find
		write = x.applyLinks
	}
	failed, err := write(e, r, false)
	if err != nil {
		return canopy.Result{}, err
	}
	return canopy.Result{Kind: canopy.Done, Anchor: r.oid, Match: how, Failed: failed}, nil
}

func hardMatchError(n newcomer, r *record) (string, error) {
	how, no := hardMatch(n, holderOf(r))
	return how, asError(no)
}

// find is the object that a Modify or Delete names, checked against the export's class and source anchor.
func (x *tx) find(e *canopy.Export) (*record, error) {
	var r *record
	var err error
	switch {
	case linksOnly(e) && !ofExchange(e) && x.known[e.Ref.Anchor] != nil && x.known[e.Ref.Anchor].synced:
		r = x.known[e.Ref.Anchor]
	case e.Ref.Anchor != "":
		r, err = x.byObjectID(e.Ref.Anchor)
	case e.SourceAnchor != "":
		r, err = x.byAnchor(e.SourceAnchor)
	default:
		return nil, refuse(CodeOperation, "", "the export names no object")
	}
	if err != nil {
		return nil, err
	}
	if r == nil || r.deleted != 0 {
		gone := refuse(CodeNotFound, "", "there is no object %s", e.Ref.Anchor+canopy.Anchor(e.SourceAnchor))
		gone.kind = canopy.NotThere
		return nil, gone
	}
	if e.Class != "" && e.Class != r.class {
		return nil, refuse(CodeTypeMismatch, "", "%s is no %s", r.name(), e.Class)
	}
	for _, anchor := range []string{e.SourceAnchor, e.Set.Text(canopy.AttrSourceAnchor)} {
		if anchor != "" && r.anchor != "" && anchor != r.anchor {
			return nil, refuse(CodeAnchorChanged, canopy.AttrSourceAnchor, "%s has the source anchor %q, not %q; it never changes",
				r.name(), r.anchor, anchor)
		}
	}
	return r, nil
}

// anchorOf is the source anchor that an Add carries.
func anchorOf(e *canopy.Export) (string, error) {
	anchor, set := e.SourceAnchor, e.Set.Text(canopy.AttrSourceAnchor)
	switch {
	case anchor == "":
		anchor = set
	case set != "" && set != anchor:
		return "", refuse(CodeAnchorChanged, canopy.AttrSourceAnchor, "the export names two source anchors, %q and %q", anchor, set)
	}
	if anchor == "" {
		return "", refuse(CodeAnchorMissing, canopy.AttrSourceAnchor, "an object can be added only with a source anchor")
	}
	return anchor, asError(checkValues(e.Class, canopy.AttrSourceAnchor, canopy.Texts(anchor), false))
}

// check looks at the export's values by themselves.
func (x *tx) check(e *canopy.Export) error {
	class := e.Class
	if class == "" {
		r, err := x.find(e)
		if err != nil {
			return err
		}
		class = r.class
	}
	for _, name := range e.Set.Names() {
		if no := checkValues(class, name, e.Set[name], x.conf.Switches.RefuseMalformed); no != nil {
			return no
		}
	}
	for _, name := range e.Clear {
		a, known := attributeOf(class, name)
		switch {
		case !known:
			return refuse(CodeUnknownAttr, name, "there is no attribute %s on a %s", name, class)
		case a.readOnly:
			return refuse(CodeReadOnly, name, "the attribute %s is computed by the service and cannot be cleared", name)
		case name == canopy.AttrSourceAnchor:
			return refuse(CodeAnchorChanged, name, "a source anchor is never cleared")
		}
	}
	return asError(checkLinks(class, e.Links))
}

// apply lays the export's values over the record, checks that they are unique, stores it, and writes its links.
func (x *tx) apply(e *canopy.Export, r *record, back bool) ([]canopy.FailedLink, error) {
	x.subject = &subject{r: r, before: r.before, fresh: r.id == 0}
	if err := errors.Join(compare(e, r), exchangeLock(e, r)); err != nil {
		return nil, err
	}
	if no := x.conf.federatedChange(r, e.Set.Text(canopy.AttrUPN)); no != nil {
		return nil, no
	}
	seq := x.seq + 1
	for name, v := range e.Set {
		if x.drops(name) {
			v = r.own.attrs[name]
		}
		r.own.set(name, distinct(v), seq)
		delete(r.kept.attrs, name)
	}
	for _, name := range e.Clear {
		if a, _ := attributeOf(r.class, name); a.Type != canopy.Reference && !x.drops(name) {
			r.own.set(name, nil, seq)
		}
	}
	r.own.set(canopy.AttrSourceAnchor, canopy.Texts(r.anchor), seq)
	if err := x.settle(r, back); err != nil {
		return nil, err
	}
	return x.links(r, linkChanges(r.class, e), 0)
}

// compare refuses an export whose writer believes in other values than there are.
func compare(e *canopy.Export, r *record) error {
	for _, name := range e.Compare.Names() {
		if !r.own.attrs[name].Equal(e.Compare[name]) {
			return refuse(CodeCompare, name, "%s of %s is not what was expected: %v, not %v", name, r.name(),
				r.own.attrs[name].Strings(), e.Compare[name].Strings())
		}
	}
	return nil
}

// applyLinks is apply for an export of links alone: the object's values stay, and are not written again.
func (x *tx) applyLinks(e *canopy.Export, r *record, _ bool) ([]canopy.FailedLink, error) {
	x.subject = &subject{r: r}
	if err := errors.Join(compare(e, r), exchangeLock(e, r)); err != nil {
		return nil, err
	}
	if err := x.touch(r.id); err != nil {
		return nil, fmt.Errorf("store %s: %w", r.oid, err)
	}
	return x.links(r, e.Links, 0)
}

// settle computes the service's copy, checks that the values are unique, and stores the record.
func (x *tx) settle(r *record, back bool) error {
	if back {
		if err := x.licencesBack(r); err != nil {
			return err
		}
	}
	if err := x.decide(r, r.synced && x.conf.Policy == UniqueQuarantine); err != nil {
		return err
	}
	if back {
		if err := x.comeBack(r); err != nil {
			return err
		}
	}
	return x.save(r)
}

func (x *tx) drops(name canopy.Attr) bool {
	for _, d := range x.t.opt.Drop {
		if d == name {
			return true
		}
	}
	return false
}

// distinct leaves out values that are there twice, and keeps the order.
func distinct(v canopy.Values) canopy.Values {
	seen := make(map[canopy.Value]bool, len(v))
	out := make(canopy.Values, 0, len(v))
	for _, x := range v {
		if !seen[x] {
			seen[x] = true
			out = append(out, x)
		}
	}
	return out
}
