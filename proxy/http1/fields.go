package http1

// Fields are the field lines of a head in the order received. Values are without surrounding white space.
type Fields struct {
	buf  []byte
	list []field
}

type field struct{}

// Len returns the number of field lines.
func (f *Fields) Len() int { return len(f.list) }

// At returns name and value of line i, slices of the parsed buffer.
func (f *Fields) At(i int) (name, value []byte) { return nil, nil }

// Get returns the value of the first line with that name, compared without regard to case.
func (f *Fields) Get(name string) (value []byte, ok bool) { return nil, false }
