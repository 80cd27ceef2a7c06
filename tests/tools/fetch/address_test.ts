import { assertEquals } from "@std/assert";
import { isPublicAddress } from "../../../lib/tools/fetch/address.ts";

const INSIDE = [
  ["this network", "0.0.0.0 0.1.2.3"],
  ["private", "10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 192.168.255.255"],
  ["shared by a carrier (CGNAT)", "100.64.0.1 100.127.255.255"],
  ["loopback", "127.0.0.1 127.255.255.254 ::1 ::"],
  ["link-local", "169.254.0.1 fe80::1 febf::1 fe80::1%eth0"],
  [
    "metadata of clouds",
    "169.254.169.254 169.254.170.2 100.100.100.200 192.0.0.192 168.63.129.16 fd00:ec2::254 fd20:ce::254",
  ],
  ["documentation", "192.0.2.1 198.51.100.1 203.0.113.1 2001:db8::1 3fff::1"],
  ["benchmarks", "198.18.0.1 198.19.255.255"],
  ["multicast", "224.0.0.1 239.255.255.255 ff02::1 ff0e::1"],
  ["reserved and broadcast", "240.0.0.1 255.255.255.255"],
  ["unique local", "fc00::1 fdff::1"],
  ["IPv4 mapped into IPv6", "::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:7f00:1 ::ffff:8.8.8.8"],
  ["IPv4 compatible with IPv6", "::127.0.0.1 ::7f00:1"],
  ["IPv4 translated into IPv6", "64:ff9b::7f00:1 64:ff9b::10.0.0.1 64:ff9b:1::1 ::ffff:0:7f00:1"],
  ["6to4 and Teredo, which contain IPv4", "2002:7f00:1::1 2002:a00:1:: 2001:0:7f00:1::1"],
  ["no address", "localhost example.com 127.1 0x7f.1"],
] as const;

const PUBLIC =
  "1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.1 126.255.255.255 128.0.0.1 " +
  "169.253.255.255 172.15.255.255 172.32.0.1 192.167.255.255 192.169.0.1 198.17.0.1 223.255.255.255 " +
  "2606:4700:4700::1111 2001:4860:4860::8888 2a00:1450:4001::1";

for (const [kind, addresses] of INSIDE) {
  Deno.test(`addresses that are not public: ${kind}`, () => {
    for (const address of addresses.split(" ")) {
      assertEquals(isPublicAddress(address), false, address);
    }
  });
}

Deno.test("addresses beside the special ranges are public", () => {
  for (const address of PUBLIC.split(" ")) assertEquals(isPublicAddress(address), true, address);
});
