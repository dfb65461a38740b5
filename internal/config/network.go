package config

import (
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// items are the parts of a list.
func items(text string) []string {
	var list []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}

// readIssuer takes an address over https; over http only of this machine, since
// whoever sits in between could hand out keys of their own.
func readIssuer(_ *kong.Value, target reflect.Value, text string) string {
	target.SetString(text)
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "an issuer looks like https://login.example.org/realms/home"
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !Address(u.Hostname()+":0").Loopback()) {
		return "it must begin with https://"
	}
	return ""
}

// readAlgorithms takes those that a public key verifies: one with a shared secret
// would let the public key pass for it.
func readAlgorithms(_ *kong.Value, target reflect.Value, text string) string {
	list := items(text)
	target.Set(reflect.ValueOf(Algorithms(list)))
	known := []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
	for _, name := range list {
		if !slices.Contains(known, name) {
			return "it can only have " + strings.Join(known, ", ")
		}
	}
	if len(list) == 0 {
		return "it takes at least one of " + strings.Join(known, ", ")
	}
	return ""
}

// readRoleMap takes VALUE=ROLE,... A value may itself have an equals sign.
func readRoleMap(_ *kong.Value, target reflect.Value, text string) string {
	roles := RoleMap{}
	target.Set(reflect.ValueOf(roles))
	known := []string{"ADMIN", "MANAGER", "NURSE", "CARER", "ACTIVITY_COORDINATOR", "REPORTING", "FAMILY", "SYSADMIN"}
	for _, item := range items(text) {
		i := strings.LastIndexByte(item, '=')
		if i < 1 {
			return "it takes a list such as grp-care=CARER,grp-head=MANAGER"
		}
		value, role := item[:i], item[i+1:]
		if !slices.Contains(known, role) {
			return "its roles can only be " + strings.Join(known, ", ")
		}
		if _, twice := roles[value]; twice {
			return "it has the same value twice"
		}
		roles[value] = role
	}
	return ""
}

func readProxies(_ *kong.Value, target reflect.Value, text string) string {
	var networks Proxies
	for _, item := range items(text) {
		network, err := netip.ParsePrefix(item)
		if address, plain := netip.ParseAddr(item); plain == nil {
			network, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil {
			return "it takes a list of addresses or networks, such as 127.0.0.1,10.0.0.0/8"
		}
		networks = append(networks, network.Masked())
	}
	target.Set(reflect.ValueOf(networks))
	return ""
}

// readOrigins takes sites as browsers name them. There is no "every site" and no
// "null", which pages without a site of their own send: records of residents are
// for no page that nobody named.
func readOrigins(_ *kong.Value, target reflect.Value, text string) string {
	var sites Origins
	for _, item := range items(text) {
		u, err := url.Parse(item)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || strings.Contains(u.Host, "*") ||
			u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
			return "it takes a list of sites, each by its whole name, such as https://app.example.org"
		}
		host := strings.ToLower(u.Host)
		if own := map[string]string{"https": ":443", "http": ":80"}[u.Scheme]; strings.HasSuffix(host, own) {
			host = strings.TrimSuffix(host, own)
		}
		sites = append(sites, u.Scheme+"://"+host)
	}
	target.Set(reflect.ValueOf(sites))
	return ""
}
