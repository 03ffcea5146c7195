package conformance

// batches are updates of all members of a pool at once. None names a stored member
// twice: the worker of Octavia 11 never ends with that one.
func batches() (script []call) {
	path := "/lbaas/pools/{otherpool}/members"
	member := func(host string, fields object) object {
		return with(object{"address": "192.0.2." + host, "protocol_port": 80}, fields)
	}
	update := func(query string, body any) {
		script = append(script, call{method: "PUT", path: path + query, body: body},
			get(path+"?fields=name&fields=address&fields=weight&fields=backup&fields=monitor_port&fields=tags&fields=provisioning_status"))
	}
	members := func(all ...any) object { return object{"members": all} }
	noMembers := object{"members": []any{}}

	update("", noMembers)
	update("", members(member("50", object{"name": "a", "weight": 5, "backup": true, "tags": []string{"t"}}), member("51", object{"monitor_port": 8080})))
	update("", members(member("50", nil), member("51", object{"weight": 0}), member("52", nil)))
	update("?additive_only=true", members(member("53", object{"weight": "7"})))
	update("?additive_only=True", members(member("50", object{"name": "b"})))
	update("?additive_only=true", noMembers)
	for _, body := range []any{
		members(member("54", nil), member("54", nil)),
		members(member("54", object{"address": "x"})),
		members(member("54", object{"address": absent})),
		members(member("54", object{"protocol_port": absent})),
		members(member("54", object{"protocol_port": 0})),
		members(member("54", object{"weight": 257})),
		members(member("54", object{"nonsense": 1})),
		members(member("54", object{"subnet_id": "x"})),
		members(member("54", object{"address": "169.254.169.254"})),
		members("x"),
		object{"members": "x"},
		object{"members": nil},
		object{"member": []any{}},
		object{},
		"", "not JSON",
	} {
		script = append(script, call{method: "PUT", path: path, body: body})
	}
	script = append(script, call{method: "PUT", path: path + "?additive_only=maybe", body: members(member("50", nil))},
		call{method: "PUT", path: "/lbaas/pools/" + nobody + "/members", body: noMembers})
	update("?additive_only=false", members(member("52", nil), member("55", object{"backup": "true"})))
	update("", noMembers)
	return script
}
