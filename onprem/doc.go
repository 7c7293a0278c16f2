// Package onprem decides the forest's side of Exchange: what its commands stamp on an object, from the object as it is and
// from what is asked. It reads and writes no forest.
package onprem
