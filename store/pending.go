package store

import "errors"

var errPending = errors.New("this part of the store follows")
