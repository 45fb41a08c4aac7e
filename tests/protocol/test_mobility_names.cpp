// SPDX-License-Identifier: GPL-3.0-or-later
// Every number of a message, option, status, code and trigger against its name: numbers by spec/wire-formats.md (RFCs of each
// row), and nothing beside them has a name.
#include "protocol/wire/mobility.hpp"

#include <QtTest>
#include <map>

using namespace roamscope;
using namespace roamscope::wire;

namespace {

using Numbers = std::map<unsigned, std::string_view>;

/// Names of all 256 numbers, without the empty ones.
template <class Function>
Numbers namesOf(Function name)
{
    Numbers out;
    for (unsigned n = 0; n < 256; ++n)
        if (const std::string_view text = name(static_cast<std::uint8_t>(n)); !text.empty()) out[n] = text;
    return out;
}

std::vector<unsigned> keys(const Numbers& numbers)
{
    std::vector<unsigned> out;
    for (const auto& entry : numbers) out.push_back(entry.first);
    return out;
}

std::vector<unsigned> range(std::initializer_list<std::pair<unsigned, unsigned>> ranges)
{
    std::vector<unsigned> out;
    for (const auto& [first, last] : ranges)
        for (unsigned n = first; n <= last; ++n) out.push_back(n);
    return out;
}

}  // namespace

class TestMobilityNames : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void messageTypes()  // RFC 6275 and the RFCs up to 7161
    {
        const Numbers names = namesOf(mobilityName);
        QCOMPARE(keys(names), range({{0, 23}}));
        QCOMPARE(names.at(8), std::string_view("Fast binding update"));
        QCOMPARE(names.at(13), std::string_view("Heartbeat"));
        QCOMPARE(names.at(16), std::string_view("Binding revocation"));
        QCOMPARE(names.at(17), std::string_view("Localized routing initiation"));
        QCOMPARE(names.at(21), std::string_view("Flow binding"));
        QCOMPARE(names.at(23), std::string_view("Subscription response"));
    }
    void options()
    {
        const Numbers names = namesOf(mobilityOptionName);
        QCOMPARE(keys(names), range({{0, 70}}));
        QCOMPARE(names.at(7), std::string_view("Link-layer address"));
        QCOMPARE(names.at(22), std::string_view("Home network prefix"));
        QCOMPARE(names.at(34), std::string_view("IPv6 address or prefix"));  // errata E-07: not 17
        QCOMPARE(names.at(35), std::string_view("Binding identifier"));
        QCOMPARE(names.at(44), std::string_view("Flow summary"));
        QCOMPARE(names.at(45), std::string_view("Flow identification"));
        QCOMPARE(names.at(55), std::string_view("Delegated mobile network prefix"));
        QCOMPARE(names.at(70), std::string_view("DLIF link-layer address"));
    }
    void bindingStatuses()
    {
        const Numbers names = namesOf(bindingStatusName);
        QCOMPARE(keys(names), range({{0, 6}, {128, 180}}));
        // The ends of each RFC's block, so that nothing is shifted; errata E-14 for 144 to 148.
        const Numbers expected{{4, "MCOA NOTCOMPLETE"},
                               {5, "MCOA RETURNHOME WO/NDP"},
                               {135, "Sequence number out of window"},
                               {139, "Registration type change disallowed"},
                               {140, "Mobile Router operation not permitted"},
                               {144, "MIPV6-ID-MISMATCH"},
                               {145, "MIPV6-MESG-ID-REQD"},
                               {146, "MIPV6-AUTH-FAIL"},
                               {147, "Permanent home keygen token unavailable"},
                               {148, "CGA and signature verification failed"},
                               {152, "PROXY_REG_NOT_ENABLED"},
                               {156, "TIMESTAMP_MISMATCH"},
                               {163, "GRE_KEY_OPTION_REQUIRED"},
                               {164, "MCOA MALFORMED"},
                               {165, "MCOA NON-MCOA BINDING EXISTS"},
                               {166, "MCOA PROHIBITED"},
                               {167, "MCOA UNKNOWN COA"},
                               {168, "MCOA BULK REGISTRATION PROHIBITED"},
                               {169, "MCOA SIMULTANEOUS HOME AND FOREIGN PROHIBITED"},
                               {174, "Invalid care-of address"},
                               {180, "CANNOT_SUPPORT_MULTIPATH_BINDING"}};
        for (const auto& [number, name] : expected) QCOMPARE(names.at(number), name);
        QVERIFY(pmipDraftStatusName(145).find("Proxy registration not supported") == 0);
        QCOMPARE(pmipDraftStatusName(144), bindingStatusName(144));
    }
    void otherNumbers()
    {
        QCOMPARE(keys(namesOf(bindingErrorName)), range({{1, 2}}));
        QCOMPARE(keys(namesOf(fastBindingStatusName)), range({{0, 1}, {128, 131}}));
        QCOMPARE(keys(namesOf(handoverInitiateCodeName)), range({{0, 3}}));
        QCOMPARE(keys(namesOf(handoverAckCodeName)), range({{0, 6}, {128, 132}}));
        QCOMPARE(keys(namesOf(revocationTriggerName)), range({{0, 7}, {128, 129}, {250, 255}}));
        QCOMPARE(keys(namesOf(revocationStatusName)), range({{0, 1}, {128, 135}}));  // errata E-14: not 2 to 6
        QCOMPARE(revocationStatusName(128), std::string_view("Binding does not exist"));
        QCOMPARE(revocationStatusName(135), std::string_view("Proxy binding revocation not supported"));
        QCOMPARE(keys(namesOf(localizedRoutingStatusName)), range({{0, 0}, {128, 129}}));
        QCOMPARE(keys(namesOf(updateReasonName)), range({{1, 5}}));
        QCOMPARE(keys(namesOf(updateStatusName)), range({{0, 0}, {128, 130}}));
        QCOMPARE(updateReasonName(5), std::string_view("QOS_SERVICE_REQUEST"));              // RFC 7222 §4.4
        QCOMPARE(updateStatusName(130), std::string_view("CANNOT_MEET_QOS_SERVICE_REQUEST"));  // RFC 7222 §4.5
        QCOMPARE(keys(namesOf(flowTriggerName)), range({{1, 3}, {250, 255}}));
        QCOMPARE(keys(namesOf(flowBindingStatusName)), range({{0, 0}, {128, 129}}));
        QCOMPARE(keys(namesOf(flowStatusName)), range({{0, 0}, {128, 133}}));
        QCOMPARE(keys(namesOf(flowActionName)), range({{11, 16}}));
        QCOMPARE(keys(namesOf(nodeIdentifierTypeName)), range({{1, 8}}));
        QCOMPARE(keys(namesOf(authenticationTypeName)), range({{1, 2}}));
        QCOMPARE(keys(namesOf(dnsUpdateStatusName)), range({{0, 0}, {128, 130}}));
        QCOMPARE(keys(namesOf(handoffName)), range({{0, 5}}));
        QCOMPARE(keys(namesOf(accessTechnologyName)), range({{0, 13}}));
        QCOMPARE(keys(namesOf(ipv4AddressStatusName)), range({{0, 0}, {128, 133}}));
        QCOMPARE(keys(namesOf(mobilityAddressCodeName)), range({{1, 4}}));
    }
    void flags()  // errata E-01, E-02
    {
        QCOMPARE(flagLetters({.sequence = 0, .flags = 0xfff0, .lifetime = {}, .options = {}}), std::string("A H L K M R P F T B S D"));
        QCOMPARE(flagLetters({.sequence = 0, .flags = 0xc040, .lifetime = {}, .options = {}}), std::string("A H O"));
        QCOMPARE(flagLetters({.sequence = 0, .flags = 0x0240, .lifetime = {}, .options = {}}), std::string("P B"));
        QCOMPARE(flagLetters({}), std::string());
    }
};

QTEST_APPLESS_MAIN(TestMobilityNames)
#include "test_mobility_names.moc"
