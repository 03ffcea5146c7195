// Package lbpb is the one encoding of lb's resources, specs and operations, shared
// by storage, the replicated log and the admin API, and the conversions between
// the two.
//
// Each resource and each spec is a message of its own, with From… and ToLB. [Object] is
// any resource, [Op] any operation: [Create], [Update] and [Delete] for every kind, and
// one message for each that is something else. A [Batch] is not part of another one.
//
// It checks the form of what it decodes and nothing else: that an address is an
// address, that a null field exists. What a field may hold is decided in lb, so
// values from fixed sets stay text until they get there. The encoding is kept
// compatible for ever; see lb.proto, and testdata/fields.txt for every number.
//
// A conversion to lb reports everything that is wrong, each as an [*lb.Error]
// of kind [lb.ErrInvalid] with resource and field, joined when there are
// several.
package lbpb
