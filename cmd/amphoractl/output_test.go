package main

import (
	"bytes"
	"testing"
)

func TestCell(t *testing.T) {
	for _, tt := range []struct {
		value any
		want  string
	}{
		{nil, "-"},
		{"", "-"},
		{[]string{}, "-"},
		{headerSwitches{}, "-"},
		{"zwölf", "zwölf"},
		{0, "0"},
		{false, "false"},
		{"a\tb\x1b[2J", `"a\tb\x1b[2J"`},
		{[]string{"a", "b\n"}, `"a, b\n"`},
		{headerSwitches{"X-Forwarded-Port": "true", "X-Forwarded-For": "true"}, "X-Forwarded-For, X-Forwarded-Port"},
		{allocationPools{{"192.0.2.1", "192.0.2.9"}}, "192.0.2.1-192.0.2.9"},
	} {
		if got := cell(tt.value); got != tt.want {
			t.Errorf("%#v is shown as %s, want %s", tt.value, got, tt.want)
		}
	}
}

func TestJSONKeepsTheOrder(t *testing.T) {
	var b bytes.Buffer
	if err := (output{format: asJSON}).printAll(&b, nil, []record{{{"z", 1}, {"a", []string{}}}}); err != nil {
		t.Fatal(err)
	}
	if want := "[\n  {\n    \"z\": 1,\n    \"a\": []\n  }\n]\n"; b.String() != want {
		t.Errorf("got %s want %s", b.String(), want)
	}
}
