package http1

import (
	"encoding/binary"
	"math/bits"
)

// Classes of bytes. One table, so that a parser loop touches 256 bytes of memory.
const (
	isToken  = 1 << iota // tchar, RFC 9110 section 5.6.2
	isText               // field-vchar, SP and HTAB, RFC 9110 section 5.5: no control character, obs-text allowed
	isTarget             // visible ASCII without "#": a request target carries no fragment and no space, RFC 9112 section 3.2
	isHost               // reg-name and IPv4address, RFC 3986 section 3.2.2, without "," which joins two Host fields into one
	isHex                // HEXDIG
)

var class = makeClasses()

func makeClasses() (t [256]uint8) {
	set := func(bit uint8, chars string) {
		for i := range len(chars) {
			t[chars[i]] |= bit
		}
	}
	const alnum = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	set(isToken, alnum+"!#$%&'*+-.^_`|~")
	set(isHost, alnum+"-._~%!$&'()*+;=")
	set(isHex, "0123456789abcdefABCDEF")
	t['\t'] |= isText
	for c := ' '; c < 256; c++ {
		if c != 0x7f {
			t[c] |= isText
		}
	}
	for c := '!'; c < 0x7f; c++ {
		if c != '#' {
			t[c] |= isTarget
		}
	}
	return t
}

// span returns how many bytes from the start of b are in the class.
func span(b []byte, bit uint8) int {
	for i, c := range b {
		if class[c]&bit == 0 {
			return i
		}
	}
	return len(b)
}

// indexControl returns where the first control character but HTAB is in b, from i on, or len(b). It looks at eight bytes at a time: a
// byte below 0x20 borrows from its high bit when 0x20 is taken away, and DEL becomes zero under XOR, which then borrows from its high bit
// when 1 is taken away. A borrow may flag bytes above the first one found, never below it.
func indexControl(b []byte, i int) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for i+8 <= len(b) {
		v := binary.LittleEndian.Uint64(b[i:])
		d := v ^ ones*0x7f
		m := ((v-ones*0x20)&^v | (d-ones)&^d) & high
		if m == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(m) >> 3
		if b[i] != '\t' {
			return i
		}
		i++
	}
	for i < len(b) && class[b[i]]&isText != 0 {
		i++
	}
	return i
}

// equalFold reports whether b is the word, which holds lower-case letters, digits, "-" and "/" only, in any case.
// b must be free of control characters: they would fold onto digits and punctuation.
func equalFold(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i := range len(b) {
		if b[i]|0x20 != word[i] {
			return false
		}
	}
	return true
}

// hasPrefixFold is equalFold for the start of b.
func hasPrefixFold(b []byte, word string) bool {
	return len(b) >= len(word) && equalFold(b[:len(word)], word)
}

// hasPrefixCGI is hasPrefixFold that takes "_" for "-": servers that hand fields on as
// variables (RFC 3875 section 4.1.18, WSGI, Rack) give both the same name.
func hasPrefixCGI(b []byte, word string) bool {
	if len(b) < len(word) {
		return false
	}
	for i := range len(word) {
		if c := b[i] | 0x20; c != word[i] && (b[i] != '_' || word[i] != '-') {
			return false
		}
	}
	return true
}

// fold returns c in lower case if it is a letter.
func fold(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// sameFold compares two byte strings without regard to the case of ASCII letters.
func sameFold[A, B []byte | string](a A, b B) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if fold(a[i]) != fold(b[i]) {
			return false
		}
	}
	return true
}

// nextElement cuts the first element off a comma-separated list (RFC 9110 section 5.6.1) and trims it; it may be empty.
func nextElement(list []byte) (elem, rest []byte) {
	for i, c := range list {
		if c == ',' {
			return trim(list[:i]), list[i+1:]
		}
	}
	return trim(list), nil
}

// trim removes optional white space around b.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// isTokenText reports whether b is a token.
func isTokenText(b []byte) bool { return len(b) > 0 && span(b, isToken) == len(b) }
