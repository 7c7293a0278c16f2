package expr

import (
	"fmt"
	"strings"
)

// Manual is the language's manual, in Markdown, made from the tables of functions.
func Manual() string {
	var b strings.Builder
	b.WriteString("<!-- made by go generate ./cmd/canopy: change expr, not this -->\n\n")
	b.WriteString(manualHead)
	fmt.Fprintf(&b, manualLimits, maxSource>>10, maxDepth, maxText>>20, maxWork>>20, maxList>>20, maxPattern, maxSubject>>10, searchTime.Milliseconds())
	for _, d := range Dialects() {
		title := "Functions of Connect Sync's rules"
		if d.cloud {
			title = "Functions of Cloud Sync's mappings"
		}
		list := d.Functions()
		fmt.Fprintf(&b, "\n## %s\n\nThe dialect `%s`, %d functions. Words: `%s`.\n", title, d.Name, len(list), strings.Join(d.Words(), "`, `"))
		group := ""
		for _, f := range list {
			if f.Group != group {
				group = f.Group
				fmt.Fprintf(&b, "\n### %s\n\n", group)
			}
			f.manual(&b)
		}
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// manual writes one function.
func (f FunctionText) manual(b *strings.Builder) {
	fmt.Fprintf(b, "**`%s`**: %s.", f.Usage, f.Text)
	if f.Varies {
		b.WriteString(" It gives something else each time: for flows that apply once.")
	}
	b.WriteString("\n\n")
	for _, e := range f.Examples {
		fmt.Fprintf(b, "- `%s` gives `%s`\n", e.Expression, e.Gives)
	}
	b.WriteString("\n")
}

const manualHead = `# Expressions

An attribute flow may compute its value by an expression. There are two languages for that, and both are understood: that of
Connect Sync's rules, which rule files use unless they say ` + "`dialect: cloud`" + `, and that of Cloud Sync's attribute mappings. This page is made from
the program's own tables; ` + "`canopy expr functions`" + ` shows them, ` + "`canopy expr eval`" + ` tries an expression on a real object, and
` + "`canopy expr check`" + ` looks for faults without one.

    canopy expr eval 'IIF(IsPresent([mail]), LCase([mail]), NULL)' --object anna.berg@contoso.com
    canopy expr check --dialect cloud 'Replace([mail], "@old.example", , , "@new.example", , )'

## How it is written

| | |
|---|---|
| ` + "`[mail]`" + ` | the values of an attribute. NULL when it has none. ` + "`[dn]`" + ` is the object's name, ` + "`[rdn]`" + ` its first component |
| ` + "`\"text\"`" + ` | a text. A quote in it is written ` + "`\\\"`" + ` (or doubled), a backslash before a quote or backslash ` + "`\\\\`" + ` |
| ` + "`42`, `-1`, `&HFF`" + ` | whole numbers of 64 bits |
| ` + "`%Domain.FQDN%`" + ` | a parameter that the connector gives |
| ` + "`Left([cn], 3)`" + ` | a function. Names are case-sensitive |
| ` + "`&`" + ` | joins texts; NULL counts as empty |
| ` + "`= <> < > <= >=`" + ` | compare, case included. NULL is equal to NULL alone, and neither less nor more than anything |
| ` + "`&&` `||`" + ` | and, or; the right side is evaluated only when the left one does not decide. && binds tighter; without brackets a warning says so |
| ` + "`+ - *`" + ` | calculate; with NULL the result is NULL |
| ` + "`$name`" + ` | a variable of With, Select or Where. Connect Sync alone |

Characters are counted from 1, as code points, so that 😀 is one. An expression sees the whole object, never only what changed.

**Null and empty.** NULL is an attribute without a value; an empty text is a value. A function that gets NULL gives NULL unless its text says
otherwise; a condition that is NULL is False. What an expression gives in the end is not written when it is NULL or empty: rules of lower
precedence are asked. ` + "`AuthoritativeNull`" + ` gives no value and asks nobody else; ` + "`IgnoreThisFlow`" + ` leaves what the target holds.

**Several values.** A function of one text called with several gives one result for each; where one value is needed, several are an error.

**In Cloud Sync's mappings** optional arguments may be left out between commas; numbers, texts, truth values and times stand for one another where
it is clear what is meant, and a time is written M/d/yyyy h:mm:ss tt. && and || and + - * are understood here, with a warning: Cloud Sync itself does not have them. Its IIF
does not decide by a source that is NULL or empty; here it does, and a warning says that the mapping would not work there.

**Clock and chance.** In a run Now() is the same for every object, and chance gives the same object the same again for the same rule and attribute, so that
a plan can be made twice; who does not know the product's secret cannot guess it. Flows that use them should be set ` + "`once`" + `, and nothing is joined by them.

**Faults** name the character, the function, the argument and the object. Unknown functions, words, attributes and parameters are found when a
rule is read, and the nearest name is suggested.
`

const manualLimits = `
**Limits.** An expression has at most %d KB and %d levels of brackets. A text may grow to %d MB, all that is made on the way to %d MB, a list to %d million values.
A regular expression has at most %d characters, looks at no more than %d KB and for no more than %d ms.
`
