package lb

// Apply returns the Config after cmd, the resource that the command was about,
// and what has to be stored. On error the Config is unchanged, next is cfg and
// the error is an [*Error], or several joined.
func Apply(cfg *Config, cmd Command) (next *Config, result Result, changes []Change, err error) {
	return cfg, Result{}, nil, &Error{Kind: ErrInvalid, Msg: "not built"}
}
