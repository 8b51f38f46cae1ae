// SPDX-License-Identifier: MPL-2.0
// What each format's rows come to, and what becomes of rows that are none.
#include <doctest/doctest.h>
#include "shm/tables/test/list_support.h"

using namespace nnoe::tables;
using namespace nnoe::tables::test;

namespace {

struct Result {
  Texts said;
  ListReport report;
  const FaultCount& fault(RowFault which) const { return report.faults[static_cast<size_t>(which)]; }
};

Result read(ListFormat format, const std::string& text, bool subdomains = false) {
  Collecting sink;
  ListParser parser({format, subdomains}, sink);
  parser.feed(text.data(), text.size());
  ListReport report = parser.finish();
  return {sink.said, report};
}

std::string repeat(const std::string& text, size_t times) {
  std::string out;
  while (times-- > 0) out += text;
  return out;
}

}  // namespace

TEST_CASE("hosts files: names behind a sinkhole address; what the machine says of itself is left out") {
  const Result got = read(ListFormat::kHosts,
                          "\xef\xbb\xbf# a hosts file\r\n"
                          "127.0.0.1 localhost localhost.localdomain\r\n"
                          "255.255.255.255\tbroadcasthost\r\n"
                          "fe80::1%lo0 localhost\r\n"
                          "::1 ip6-loopback\r\n"
                          "0.0.0.0 0.0.0.0\r\n"
                          "0.0.0.0 Ads.Example # and why\r\n"
                          "127.0.0.1\tone.example two.example.\r\n"
                          "  :: _dmarc.three.example\r\n"
                          "192.168.1.5 nas.example\r\n"
                          "lonely.example\r\n"
                          "0.0.0.0\r\n"
                          "0.0.0.0 192.0.2.1\r\n"
                          "\r\n"
                          "0.0.0.0 last.example");
  CHECK(words(got.said) ==
        words(Texts{"ads.example", "one.example", "two.example", "_dmarc.three.example", "last.example"}));
  CHECK(got.report.local == 6);
  CHECK(got.report.names == 5);
  CHECK(got.report.lines == 15);
  CHECK(got.report.bad() == 4);
  CHECK(got.fault(RowFault::kTarget).lines[0] == 10);
  CHECK(got.fault(RowFault::kSyntax).rows == 2);
  CHECK(got.fault(RowFault::kSyntax).lines[1] == 12);
  CHECK(got.fault(RowFault::kAddress).lines[0] == 13);
  CHECK(words(read(ListFormat::kHosts, "0.0.0.0 a.example\n", true).said) == words(Texts{"*.a.example"}));
}

TEST_CASE("plain names: wildcards, URLs of a whole host, comments of all kinds") {
  const Result got = read(ListFormat::kDomains,
                          "! title\n# comment\n; comment\n// comment\n[section]\n"
                          "a.example\n*.b.example\n.c.example\nd.example.   # why\n"
                          "https://E.example/\nhttp://f.example:8080\ng.example/\n"
                          "https://docs.example/forms/d/1\nuser@h.example\n"
                          "192.0.2.7\n192.0.2.0/24\n2001:db8::1\n2001:db8::/32\n10.1\n"
                          "ads*.i.example\nlocalhost\ntwo words\n*\n..\na..b\nunder_score.example\n"
                          "b\u00fccher.example\nbad\xff.example\n\xe2\x80\x9c.example x\n"
                          "xn--bcher-kva.example\nxn--9.example\nxn--99999999.example\nXN--.example\n");
  CHECK(words(got.said) == words(Texts{"a.example", "*.b.example", "*.c.example", "d.example", "e.example",
                                       "f.example", "g.example", "*..", "under_score.example",
                                       "?b\u00fccher.example", "xn--bcher-kva.example"}));
  CHECK(got.report.from_urls == 3);
  CHECK(got.fault(RowFault::kUrl).rows == 1);
  CHECK(got.fault(RowFault::kAddress).rows == 5);
  CHECK(got.fault(RowFault::kWildcard).rows == 1);
  CHECK(got.fault(RowFault::kSyntax).rows == 2);
  CHECK(got.fault(RowFault::kLabel).rows == 2);
  CHECK(got.fault(RowFault::kCharacter).rows == 2);
  CHECK(got.fault(RowFault::kEncoding).rows == 1);
  CHECK(got.fault(RowFault::kIdna).rows == 3);
  CHECK(got.report.local == 1);
}

TEST_CASE("names at the limits of the wire form") {
  const std::string label(63, 'a');
  const std::string longest = repeat(label + '.', 3) + std::string(61, 'b');
  REQUIRE(longest.size() == 253);
  const std::string labels = repeat("a.", 126) + "b";
  const Result got = read(ListFormat::kDomains, longest + "\n" + longest + ".\n" + longest + "c\n" + label +
                                                    "a.example\n" + labels + "\n" + "a." + labels + "\n");
  CHECK(words(got.said) == words(Texts{longest, longest, labels}));
  CHECK(got.fault(RowFault::kLength).rows == 2);
  CHECK(got.fault(RowFault::kLabel).rows == 1);
  WireName wire;
  RowFault fault = RowFault::kSyntax;
  REQUIRE(parse_list_name(labels, wire, fault));
  CHECK(wire.size == kMaxName);
  CHECK(wire.bytes[kMaxName - 1] == 0);
}

TEST_CASE("adblock rules: whole domains, their exceptions, and nothing that is about pages") {
  const Result got =
      read(ListFormat::kAdblock,
           "[Adblock Plus 2.0]\n! Title: x\n# comment\n"
           "||ads.example^\n||Track.example^$third-party\n||all.example^$important,document\n"
           "@@||good.ads.example^\n@@||fine.example^|\n||*.wild.example^\n||zip^\n"
           "plain.example\n0.0.0.0 hosts.example\n"
           "||narrow.example^$domain=shop.example\n||path.example/ads^\n||open.example\n"
           "example.com##.banner\n##.ad\n##x\n#@#.x\n/banner/ads/*\n|https://x.example^\n"
           "@@/allowed/\n-ad-banner.\n||ads*.pattern.example^\n||192.0.2.1^\n||x.example^$script\n");
  CHECK(words(got.said) ==
        words(Texts{"*.ads.example", "*.track.example", "*.all.example", "@*.good.ads.example",
                    "@*.fine.example", "*.wild.example", "*.zip", "plain.example", "hosts.example"}));
  CHECK(got.report.exceptions == 2);
  CHECK(got.fault(RowFault::kUnsupported).rows == 12);
  CHECK(got.fault(RowFault::kWildcard).rows == 1);
  CHECK(got.fault(RowFault::kAddress).rows == 1);
}

TEST_CASE("dnsmasq: addresses that lead nowhere, servers that are none") {
  const Result got =
      read(ListFormat::kDnsmasq,
           "# comment\naddress=/a.example/\naddress=/b.example/0.0.0.0\naddress=/c.example/::\n"
           "address=/d.example/e.example/127.0.0.1\naddress=/f.example/#\nserver=/g.example/\n"
           "local=/h.example/ # why\nserver=/good.a.example/#\n--address=/i.example/\n"
           "address=/nas.example/192.168.1.5\nserver=/corp.example/10.0.0.1\nserver=9.9.9.9\n"
           "no-resolv\ncache-size=10\naddress=/broken\naddress=/j.example/nowhere\naddress=//0.0.0.0\n");
  CHECK(words(got.said) ==
        words(Texts{"*.a.example", "*.b.example", "*.c.example", "*.d.example", "*.e.example", "*.f.example",
                    "*.g.example", "*.h.example", "@*.good.a.example", "*.i.example"}));
  CHECK(got.fault(RowFault::kTarget).rows == 1);
  CHECK(got.fault(RowFault::kUnsupported).rows == 4);
  CHECK(got.fault(RowFault::kSyntax).rows == 3);
}

TEST_CASE("response policy zones: triggers on names, whatever the zone's own name") {
  const std::string body =
      "a.example CNAME .\n"
      "*.a.example 60 IN CNAME .\n"
      "b.example IN 1h CNAME *. ; nodata\n"
      "c.example CNAME rpz-drop.\n"
      "d.example CNAME RPZ-TCP-ONLY.\n"
      "good.a.example CNAME rpz-passthru.\n"
      "self.example CNAME self.example.\n"
      "e.example A 0.0.0.0\n"
      "          AAAA ::\n"
      "\\101.esc\\.aped.example CNAME .\n"
      "f.example CNAME garden.example.\n"
      "g.example A 192.0.2.1\n"
      "32.1.2.0.192.rpz-ip CNAME .\n"
      "ns.example.rpz-nsdname CNAME .\n"
      "h.example TXT \"a ; b\" ( \"c\"\n ) ; end\n"
      "$INCLUDE other.zone\n"
      "b\u00fccher.example CNAME .\n"
      "i.example\n"
      "xn--9.example CNAME .\n";
  const Texts expected{"a.example", "+.a.example",          "b.example",           "c.example",
                       "d.example", "@good.a.example",      "@self.example",       "e.example",
                       "e.example", "e.esc\\.aped.example", "?b\u00fccher.example"};
  const std::string soa =
      "SOA ns.rpz.test. host.rpz.test. ( 1 ; serial\n 3600 600\n 86400 60 )\n  NS ns.rpz.test.\n";
  const Result bare = read(ListFormat::kRpz, "$TTL 300\n@ " + soa + body);
  CHECK(words(bare.said) == words(expected));
  CHECK(bare.fault(RowFault::kUnsupported).rows == 6);
  CHECK(bare.fault(RowFault::kSyntax).rows == 1);
  CHECK(bare.fault(RowFault::kIdna).rows == 1);
  CHECK(bare.report.bad() == 8);
  CHECK(bare.report.zone_actions[static_cast<size_t>(ZoneAction::kNxdomain)] == 4);
  CHECK(bare.report.zone_actions[static_cast<size_t>(ZoneAction::kTcpOnly)] == 1);
  CHECK(bare.report.zone_actions[static_cast<size_t>(ZoneAction::kPassthru)] == 2);
  CHECK(words(read(ListFormat::kRpz, "$ORIGIN rpz.test.\n@ " + soa + body).said) == words(expected));
  CHECK(words(read(ListFormat::kRpz, "rpz.test. 60 IN " + soa + body).said) == words(expected));
  CHECK(words(read(ListFormat::kRpz, body).said) == words(expected));
}

TEST_CASE("response policy zones as a transfer writes them, and names outside of the zone") {
  const Result got = read(ListFormat::kRpz,
                          "rpz.test. 60 IN SOA ns. host. 1 2 3 4 5\n"
                          "A.example.rpz.test.\t60\tIN\tCNAME\t.\n"
                          "*.b.example.RPZ.test. 60 IN CNAME rpz-passthru.\n"
                          "*.rpz.test. CNAME .\n"
                          "c.example. 60 IN CNAME .\n"
                          "$ORIGIN sub.rpz.test.\nd CNAME .\n"
                          "rpz.test. 60 IN SOA ns. host. 1 2 3 4 5\n");
  CHECK(words(got.said) == words(Texts{"a.example", "@+.b.example", "+..", "d.sub"}));
  CHECK(got.fault(RowFault::kOutside).lines[0] == 5);
  const Result lost =
      read(ListFormat::kRpz, "@ SOA a. b. 1 2 3 4 5\nx.example. CNAME .\ny.example CNAME .\n");
  CHECK(words(lost.said) == words(Texts{"y.example"}));
  CHECK(lost.fault(RowFault::kOutside).rows == 1);
  CHECK(read(ListFormat::kRpz, "a.example SOA ( 1 2\n").fault(RowFault::kSyntax).rows == 1);
}

TEST_CASE("the format is recognised, whatever comments come first") {
  const auto detected = [](const std::string& text) { return read(ListFormat::kAuto, text).report.detected; };
  CHECK(detected("# x\n127.0.0.1 localhost\n0.0.0.0 a.example\n0.0.0.0 b.example\n") == ListFormat::kHosts);
  CHECK(detected("# x\na.example\n*.b.example\n") == ListFormat::kDomains);
  CHECK(detected("! x\n||a.example^\n@@||b.example^\n") == ListFormat::kAdblock);
  CHECK(detected("# x\naddress=/a.example/\nserver=/b.example/\n") == ListFormat::kDnsmasq);
  CHECK(detected("$TTL 60\n@ SOA a. b. 1 2 3 4 5\n NS a.\na.example CNAME .\n") == ListFormat::kRpz);
  CHECK(detected("# nothing\n\n") == ListFormat::kAuto);
  CHECK(detected("") == ListFormat::kAuto);
  CHECK(words(read(ListFormat::kAuto, "||a.example^\n").said) == words(Texts{"*.a.example"}));
  const std::string head = repeat("# a long preface to the list\n", 3000);
  CHECK(words(read(ListFormat::kAuto, head + "a.example\n").said) == words(Texts{"a.example"}));
  CHECK(read(ListFormat::kHosts, "a.example\n").report.detected == ListFormat::kDomains);
}

TEST_CASE("a line without end costs one row and no memory") {
  const std::string endless(3 * kMaxListLine, 'a');
  const Result got = read(ListFormat::kDomains, "a.example\n" + endless + "\nb.example\n" + endless);
  CHECK(words(got.said) == words(Texts{"a.example", "b.example"}));
  CHECK(got.fault(RowFault::kLine).rows == 2);
  CHECK(got.fault(RowFault::kLine).lines[0] == 2);
  CHECK(got.fault(RowFault::kLine).lines[1] == 4);
  const std::string record =
      "a.example TXT (" + repeat(std::string(1000, 'x') + "\n", 200) + ")\nb.example CNAME .\n";
  const Result zone = read(ListFormat::kRpz, record);
  CHECK(words(zone.said) == words(Texts{"b.example"}));
  CHECK(zone.fault(RowFault::kLine).rows == 1);
}
