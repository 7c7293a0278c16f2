package run

// behind lets one deed go on while its caller prepares the next. It is for one goroutine, which waits before it leaves.
type behind struct{ ended chan error }

// do waits for the deed before and begins another. The error is that of the one before; nothing is begun then.
func (b *behind) do(deed func() error) error {
	if err := b.wait(); err != nil {
		return err
	}
	b.ended = make(chan error, 1)
	go func() { b.ended <- deed() }()
	return nil
}

// wait waits for the deed that goes on, if there is one, and gives its error.
func (b *behind) wait() error {
	if b.ended == nil {
		return nil
	}
	err := <-b.ended
	b.ended = nil
	return err
}
