package wechatsim

// addressLists are the answers of the calls that list addresses, by path. Callback entries can be
// CIDR, as in an older sample of the page. The default addresses are from RFC 5737.
func addressLists(cfg Config) map[string][]string {
	callback, domain := cfg.CallbackIPs, cfg.APIDomainIPs
	if callback == nil {
		callback = []string{"203.0.113.7", "198.51.100.0/24"}
	}
	if domain == nil {
		domain = []string{"203.0.113.80", "203.0.113.81"}
	}
	return map[string][]string{PathCallbackIPs: callback, PathDomainIPs: domain}
}

func (s *Sim) serveAddresses(r *request) (fields, *refusal) {
	if _, _, no := s.byToken(r); no != nil {
		return nil, no
	}
	return fields{"ip_list": s.addresses[r.path]}, nil
}
