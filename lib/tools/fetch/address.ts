import { BlockList, isIPv4, isIPv6 } from "node:net";

/**
 * IPv4 addresses that are not public: this network, private, shared (CGNAT), loopback, link-local
 * with the metadata of clouds, protocol assignments, documentation, 6to4 relays, benchmarks,
 * multicast and reserved; and the one public address at which Azure serves its virtual machines.
 *
 * @see {@link https://www.iana.org/assignments/iana-ipv4-special-registry}
 */
const SPECIAL_IPV4 =
  ("0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 " +
    "192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 " +
    "224.0.0.0/4 240.0.0.0/4 168.63.129.16/32").split(" ");

/**
 * Global unicast is 2000::/3, so loopback, mapped, translated (NAT64), local, link-local and
 * multicast addresses lie outside. Within it: Teredo and other protocols, documentation, 6to4.
 *
 * @see {@link https://www.iana.org/assignments/iana-ipv6-special-registry}
 */
const GLOBAL_IPV6 = ["2000::/3"];
const SPECIAL_IPV6 = "2001::/23 2001:db8::/32 2002::/16 3fff::/20".split(" ");

function listOf(subnets: readonly string[], family: "ipv4" | "ipv6"): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address, prefix] = subnet.split("/");
    list.addSubnet(address!, Number(prefix), family);
  }
  return list;
}

const specialIPv4 = listOf(SPECIAL_IPV4, "ipv4");
const globalIPv6 = listOf(GLOBAL_IPV6, "ipv6");
const specialIPv6 = listOf(SPECIAL_IPV6, "ipv6");

/** Returns true for the address of a machine on the public internet. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !specialIPv4.check(address, "ipv4");
  if (!isIPv6(address) || address.includes("%")) return false;
  return globalIPv6.check(address, "ipv6") && !specialIPv6.check(address, "ipv6");
}
