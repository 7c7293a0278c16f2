// Package link is a Connector over the wire: the agent calls out, the service asks, and both ends are here. It decides
// nothing about what is read or written, and knows no directory.
//
// The agent dials the service's one port with TLS 1.3, both sides showing a certificate of the service's authority. On
// the connection the parts change over: the service sends HTTP/2 requests and the agent answers them, each on a stream
// of its own with HTTP/2's credit. The body of an answer is a row of frames; the last one ends it or says what failed,
// so that an answer which was cut off is never taken for a whole one.
package link
