package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/expr"
	"github.com/canopy-sync/canopy/rule"
	"github.com/canopy-sync/canopy/run"
)

//go:generate go run . expr functions --manual ../../docs/expressions.md

func (a *App) exprCommand() *cobra.Command {
	c := &cobra.Command{Use: "expr", Short: "Try and check the expressions of attribute flows",
		Long:    "An expression says what an attribute flow gives. Nothing is stored and no rule is changed.",
		Example: "  canopy expr eval 'LCase([mail])' --object anna@contoso.com\n  canopy expr functions"}
	c.AddCommand(a.exprEval(), a.exprCheck(), a.exprFunctions())
	return c
}

// exprFlags are those that the verbs share.
type exprFlags struct {
	dialect string
	side    string
	object  string
	meta    bool
	attrs   []string
}

func (f *exprFlags) language() (*expr.Dialect, error) {
	d := expr.DialectOf(f.dialect)
	if d == nil {
		return nil, usageError{fmt.Errorf("there is no dialect %q; there are connect and cloud", f.dialect)}
	}
	return d, nil
}

func (f *exprFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.dialect, "dialect", "connect", "connect (Connect Sync's rules) or cloud (Cloud Sync's mappings)")
}

func (a *App) exprEval() *cobra.Command {
	var f exprFlags
	c := &cobra.Command{Use: "eval EXPRESSION", Short: "Evaluate an expression, on a real object or on given values, and show what it read",
		Long: `Evaluates an expression as a rule would, on what is stored of an object, or on the values given with --attr. It does not
read a directory, and stores nothing.`,
		Example: `  canopy expr eval 'IIF(IsPresent([mail]), LCase([mail]), NULL)' --object anna.berg@contoso.lab
  canopy expr eval --dialect cloud 'Join(", ", [sn], [givenName])' --attr sn=Berg --attr givenName=Anna`,
		Args: usageArgs(cobra.ExactArgs(1)), RunE: func(c *cobra.Command, args []string) error {
			return a.evaluate(c.Context(), args[0], f)
		}}
	f.register(c)
	c.Flags().StringVar(&f.object, "object", "", "the object: a DN, UPN, mail address, anchor or GUID")
	c.Flags().BoolVar(&f.meta, "meta", false, "the object's meta, as outbound rules see it, and not its entry")
	c.Flags().StringArrayVar(&f.attrs, "attr", nil, "NAME=VALUE, a value for an expression without an object; again for more values and attributes")
	return c
}

func (a *App) evaluate(ctx context.Context, src string, f exprFlags) error {
	d, err := f.language()
	if err != nil {
		return err
	}
	if f.object != "" && len(f.attrs) > 0 || f.object == "" && f.meta {
		return usageError{errors.New("--attr goes without --object, and --meta goes with it")}
	}
	p, err := expr.Parse(src, d)
	if err != nil {
		return a.expressionFault(err)
	}
	var x *run.Evaluation
	if f.object == "" {
		o, err := given(f.attrs)
		if err != nil {
			return err
		}
		if x, err = run.Evaluate(p, o); err != nil {
			return a.expressionFault(err)
		}
	} else {
		l, err := a.look(ctx)
		if err != nil {
			return err
		}
		defer l.Close()
		if x, err = l.Try(ctx, p, f.object, f.meta); err != nil {
			return a.expressionFault(a.suggest(ctx, l, err))
		}
	}
	a.evaluation(p, x)
	return nil
}

// given is an object of values that were typed.
func given(attrs []string) (*rule.Object, error) {
	o := &rule.Object{Attrs: canopy.Attrs{}, Outside: run.Outside(time.Now().UnixMicro())}
	for _, s := range attrs {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return nil, usageError{fmt.Errorf("--attr %q is not NAME=VALUE", s)}
		}
		if name == "dn" {
			o.DN = value
			continue
		}
		o.Attrs[canopy.Attr(name)] = append(o.Attrs[canopy.Attr(name)], canopy.Text(value))
	}
	return o, nil
}

func (a *App) evaluation(p *expr.Program, x *run.Evaluation) {
	value := x.Value
	if p.Secret() {
		value = expr.Str("[Redact]")
	}
	if a.json {
		out := map[string]any{"kind": x.Value.Kind().String(), "value": plain(value)}
		if x.Object != "" {
			out["object"], out["class"] = x.Object, x.Class
		}
		read := map[string]any{}
		for _, r := range x.Read {
			read[r.Use.Attr] = plain(r.Value)
		}
		out["read"] = read
		a.print(out)
		return
	}
	for _, w := range p.Warnings() {
		fmt.Fprintln(a.Err, "note:", w.Error())
	}
	if x.Object != "" {
		fmt.Fprintln(a.Out, clean(x.Object))
	}
	if vs := value.Values(); len(vs) > 1 {
		for _, v := range vs {
			fmt.Fprintln(a.Out, clean(v.String()))
		}
	} else {
		fmt.Fprintln(a.Out, clean(value.String()))
	}
	if len(x.Read) == 0 || p.Secret() {
		return
	}
	fmt.Fprintln(a.Out)
	t := a.table("READ", "VALUE")
	for _, r := range x.Read {
		name := map[expr.UseKind]string{expr.UseValue: "[%s]", expr.UseImported: `ImportedValue("%s")`, expr.UseCount: `ValueCount("%s")`}[r.Use.How]
		var texts []string
		for _, v := range r.Value.Values() {
			texts = append(texts, v.String())
		}
		if len(texts) == 0 {
			texts = []string{r.Value.String()}
		}
		t.row(fmt.Sprintf(name, r.Use.Attr), clean(strings.Join(texts, ", ")))
	}
	t.end()
}

// plain is a value as JSON has it; octets are hexadecimal digits, times RFC 3339.
func plain(v expr.Value) any {
	switch v.Kind() {
	case expr.Null:
		return nil
	case expr.Text, expr.Reference:
		return v.Str()
	case expr.Number:
		return v.Num()
	case expr.Truth:
		return v.True()
	case expr.List:
		out := make([]any, 0, len(v.Values()))
		for _, x := range v.Values() {
			out = append(out, plain(x))
		}
		return out
	case expr.Moment, expr.Octets, expr.AuthoritativeNull, expr.IgnoreThisFlow:
	}
	return v.String()
}

// expressionFault shows where an expression is at fault, and gives the error on.
func (a *App) expressionFault(err error) error {
	var e *expr.Error
	if !errors.As(err, &e) {
		return err
	}
	if !a.json {
		fmt.Fprintln(a.Err, cleanLines(e.Caret()))
		return err
	}
	out := map[string]any{"error": err.Error(), "character": e.Column(), "text": e.Text}
	if e.Function != "" {
		out["function"] = e.Function
	}
	if e.Arg > 0 {
		out["argument"] = e.Arg
	}
	if e.Hint != "" {
		out["next"] = e.Hint
	}
	var named *canopy.Error
	if errors.As(err, &named) && named.Object != "" {
		out["object"] = named.Object
	}
	a.print(out)
	a.code = exitFailed
	return nil
}

func (a *App) exprCheck() *cobra.Command {
	var f exprFlags
	c := &cobra.Command{Use: "check EXPRESSION", Short: "Look for faults in an expression without evaluating it: functions, arguments, attributes, parameters",
		Long: "It finds what can be wrong with any object. It does not evaluate: canopy expr eval does.",
		Example: `  canopy expr check 'IIF(IsPresent([mial]), LCase([mail]), NULL)'
  canopy expr check --dialect cloud --side meta 'ToLower([displayName])'`,
		Args: usageArgs(cobra.ExactArgs(1)), RunE: func(_ *cobra.Command, args []string) error { return a.checkExpression(args[0], f) }}
	f.register(c)
	c.Flags().StringVar(&f.side, "side", "ad", "whose attributes it reads: ad, tenant or meta")
	return c
}

func (a *App) checkExpression(src string, f exprFlags) error {
	d, err := f.language()
	if err != nil {
		return err
	}
	if s := rule.Sides(); f.side != s[0] && f.side != s[1] && f.side != s[2] {
		return usageError{fmt.Errorf("there is no side %q; there are %s", f.side, strings.Join(s, ", "))}
	}
	p, err := expr.Parse(src, d)
	if err != nil {
		return a.expressionFault(err)
	}
	notes := rule.Look(p, f.side)
	faults := 0
	for _, n := range notes {
		if n.Fault {
			faults++
			a.code = exitFailed
		}
	}
	if a.json {
		list := []map[string]any{}
		for _, n := range notes {
			list = append(list, map[string]any{"character": (&expr.Error{Source: src, Pos: n.Pos}).Column(), "attribute": n.Attr, "fault": n.Fault, "text": n.Text, "next": n.Next})
		}
		a.print(map[string]any{"dialect": d.Name, "reads": p.Attrs(), "parameters": p.Params(), "functions": p.Calls(), "notes": list})
		return nil
	}
	t := a.table("CHARACTER", "ATTRIBUTE", "WHAT", "WHAT TO DO")
	for _, n := range notes {
		t.row(num((&expr.Error{Source: src, Pos: n.Pos}).Column()), string(n.Attr), n.Text, n.Next)
	}
	if len(notes) > 0 {
		t.end()
	}
	if faults == 0 {
		fmt.Fprintf(a.Out, "It can be used. It reads %s.\n", orNothing(p.Attrs()))
	}
	return nil
}

func orNothing(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

func (a *App) exprFunctions() *cobra.Command {
	var f exprFlags
	var manual string
	c := &cobra.Command{Use: "functions [NAME]", Short: "List the functions of a dialect, or describe one",
		Long: "Each dialect has its own functions; a name that both have need not mean the same in both.",
		Example: `  canopy expr functions --dialect cloud
  canopy expr functions DNComponentRev`,
		Args: usageArgs(cobra.MaximumNArgs(1)), RunE: func(_ *cobra.Command, args []string) error {
			if manual != "" {
				return os.WriteFile(manual, []byte(expr.Manual()), 0o644)
			}
			d, err := f.language()
			if err != nil {
				return err
			}
			return a.functions(d, args)
		}}
	f.register(c)
	c.Flags().StringVar(&manual, "manual", "", "write the manual of both dialects to this file")
	if err := c.Flags().MarkHidden("manual"); err != nil {
		panic(err) // the flag is defined above
	}
	return c
}

func (a *App) functions(d *expr.Dialect, names []string) error {
	list := d.Functions()
	if len(names) > 0 {
		var known []string
		for _, x := range list {
			known = append(known, x.Name)
			if x.Name == names[0] {
				return a.function(d, x)
			}
		}
		e := &canopy.Error{Kind: canopy.NotFound, Code: "function-unknown", Object: names[0], Text: "the dialect " + d.Name + " has no such function", Next: "canopy expr functions lists them"}
		if near := expr.Nearest(names[0], known); near != "" {
			e.Next = "is " + near + " meant?"
		}
		return e
	}
	if a.json {
		for _, x := range list {
			a.print(functionOf(d, x))
		}
		return nil
	}
	t := a.table("FUNCTION", "GROUP", "WHAT IT GIVES")
	for _, x := range list {
		t.row(x.Usage, x.Group, x.Text)
	}
	t.end()
	return nil
}

func functionOf(d *expr.Dialect, x expr.FunctionText) map[string]any {
	examples := []map[string]string{}
	for _, e := range x.Examples {
		examples = append(examples, map[string]string{"expression": e.Expression, "gives": e.Gives})
	}
	return map[string]any{"dialect": d.Name, "name": x.Name, "group": x.Group, "usage": x.Usage, "text": x.Text, "examples": examples, "varies": x.Varies}
}

func (a *App) function(d *expr.Dialect, x expr.FunctionText) error {
	if a.json {
		a.print(functionOf(d, x))
		return nil
	}
	fmt.Fprintf(a.Out, "%s\n\n%s.\n\n", x.Usage, x.Text)
	for _, e := range x.Examples {
		fmt.Fprintf(a.Out, "  %s  gives  %s\n", e.Expression, e.Gives)
	}
	return nil
}
