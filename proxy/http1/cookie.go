package http1

import "bytes"

// NextCookie cuts the first pair off the value of a Cookie field (RFC 6265 section 4.2.1): pairs are separated by ";", name and value by
// the first "=". A pair without "=" is a name with an empty value. rest is nil after the last one. A comma separates nothing: members
// take it for a part of the value, and so do we.
func NextCookie(list []byte) (name, value, rest []byte) {
	pair := list
	if i := bytes.IndexByte(list, ';'); i >= 0 {
		pair, rest = list[:i], list[i+1:]
	}
	if i := bytes.IndexByte(pair, '='); i >= 0 {
		return trim(pair[:i]), trim(pair[i+1:]), rest
	}
	return trim(pair), nil, rest
}

// Cookie returns the value of the first request cookie with that name, which is compared as it is. The browser's most specific cookie
// comes first (RFC 6265 section 5.4).
func (f *Fields) Cookie(name string) (value []byte, ok bool) {
	for i := range f.list {
		if f.list[i].id != fieldCookie {
			continue
		}
		for _, list := f.At(i); list != nil; {
			var n, v []byte
			n, v, list = NextCookie(list)
			if string(n) == name {
				return v, true
			}
		}
	}
	return nil, false
}

// IsCookie reports whether line i is a Cookie field.
func (f *Fields) IsCookie(i int) bool { return f.list[i].id == fieldCookie }

// SetCookie returns name and value of the cookie that line i sets, if it is a Set-Cookie field (RFC 6265 section 5.2).
func (f *Fields) SetCookie(i int) (name, value []byte, ok bool) {
	if f.list[i].id != fieldSetCookie {
		return nil, nil, false
	}
	_, v := f.At(i)
	name, value, _ = NextCookie(v)
	return name, value, len(name) > 0
}
