package expr

// Pattern is a regular expression of the .NET dialect, with the same limits that functions have: of a search's time, and
// of the text that is searched. It is immutable and may be used by many at once.
type Pattern struct{ p *pattern }

// NewPattern reads a regular expression; an error says what is wrong with it.
func NewPattern(src string) (*Pattern, error) {
	p, err := newPattern(src)
	if err != nil {
		return nil, err
	}
	return &Pattern{p}, nil
}

// Match tells whether the pattern meets any part of a text.
func (p *Pattern) Match(s string) (bool, error) {
	hit, err := p.p.search(&machine{}, s, nil)
	return hit != nil, err
}
