// SPDX-License-Identifier: GPL-3.0-or-later
// Every key of a node's settings, in every role: values other than the default arrive, the ends of a range are taken, what lies beyond
// and values of another type are refused with the key's name. A key without a row here fails.
#include "tests/support/node_frames.hpp"

#include "capture/io/node_settings.hpp"
#include "capture/io/role_file.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::capture;
using lab::Role;

namespace {

/// `good`: each other than the default. `bad`: refused. `also`: another name that a refusal may have for it.
struct Row {
    const char* key;
    std::vector<const char*> good;
    std::vector<const char*> bad;
    const char* also = nullptr;
};

const std::vector<const char*> notBoolean{"1", "\"yes\"", "null"};
const std::vector<const char*> notList{"7", "true", "\"x\""};

std::vector<Row> stackRows()
{
    return {
        {"default_router", {"\"2001:db8:100::fe\"", "{\"address\": \"fe80::1\", \"interface\": \"if\"}"}, {"7", "\"2001:db8\"", "{\"address\": \"fe80::1\"}", "{\"address\": \"fe80::1\", \"interface\": \"other\"}"}, "/routes/0"},
        {"echo", {"false"}, notBoolean},
        {"forwarding", {"false"}, notBoolean},
        {"icmp_errors", {"{\"rate\": 0}", "{\"rate\": 1000000}", "{\"burst\": 1}", "{\"burst\": 1000000}"}, {"5", "{\"rate\": -1}", "{\"rate\": 1000001}", "{\"burst\": 0}", "{\"burst\": 1000001}", "{\"rates\": 1}"}},
        {"routes", {"[{\"to\": \"2001:db8:5::/48\", \"via\": \"2001:db8:100::fe\"}]", "[{\"to\": \"::/0\", \"via\": \"fe80::1\", \"interface\": \"if\"}]"},
         {"7", "{}", "[{\"via\": \"fe80::1\"}]", "[{\"to\": \"::/0\"}]", "[{\"to\": \"::/0\", \"via\": \"2001:db8:9::1\"}]", "[{\"to\": \"::/129\", \"via\": \"2001:db8:100::fe\"}]"}},
    };
}

Row flowRow()
{
    return {"flows", {"{\"support\": \"off\"}", "{\"support\": \"refuse\"}", "{\"maximum\": 1}", "{\"maximum\": 256}"}, {"true", "\"off\"", "{\"support\": \"yes\"}", "{\"maximum\": 0}", "{\"maximum\": 257}", "{\"most\": 1}"}};
}

std::vector<Row> agentRows()
{
    return {
        {"home_addresses", {"[\"2001:db8:100::1:1\"]", "[\"2001:db8:100::1:1\", \"2001:db8:100::1:2\"]"}, {"7", "[\"2001:db8:999::1\"]", "[5]"}},
        {"maximum_lifetime", {"\"4s\"", "\"262140s\""}, {"4", "true", "\"3s\"", "\"262144s\"", "\"4500ms\""}},
        {"maximum_bindings", {"1", "1000000"}, {"0", "1000001", "1.5", "\"5\""}},
        {"refresh_advice", {"\"4s\"", "\"262140s\""}, {"4", "\"262144s\""}},
        {"refresh_request", {"\"1ms\"", "\"24h\""}, {"4", "\"25h\"", "\"-1s\""}},
        {"discovery", {"false"}, notBoolean},
        {"prefix_advertisements", {"{\"enabled\": false}", "{\"min_interval\": \"1s\"}", "{\"max_interval\": \"1000h\"}", "{\"max_interval\": \"600s\"}"},
         {"false", "{\"enabled\": 1}", "{\"min_interval\": \"999ms\"}", "{\"max_interval\": \"1001h\"}", "{\"max_interval\": \"599s\"}"}},
        {"probe_maps", {"true"}, notBoolean},
        {"mcoa", {"{\"support\": \"off\"}", "{\"support\": \"refuse\"}", "{\"bulk\": false}", "{\"home_and_foreign\": false}", "{\"home_neighbour_discovery\": true}", "{\"maximum\": 1}", "{\"maximum\": 64}"},
         {"true", "\"on\"", "{\"support\": \"no\"}", "{\"bulk\": 1}", "{\"home_and_foreign\": \"no\"}", "{\"home_neighbour_discovery\": 0}", "{\"maximum\": 0}", "{\"maximum\": 65}", "{\"bids\": 3}"}},
        flowRow(),
        {"nemo", {"{\"support\": \"off\"}", "{\"support\": \"refuse\"}", "{\"routers\": [{\"home_address\": \"2001:db8:100::1:1\", \"prefixes\": [\"2001:db8:1f0::/56\"]}]}", "{\"routers\": [{\"home_address\": \"2001:db8:100::1:1\"}]}"},
         {"true", "{\"support\": 1}", "{\"routers\": 5}", "{\"routers\": [{}]}", "{\"routers\": [{\"home_address\": \"2001:db8:999::1\"}]}", "{\"routers\": [{\"home_address\": \"2001:db8:100::1:1\", \"prefixes\": [\"fe80::/64\"]}]}",
          "{\"routers\": [{\"home_address\": \"2001:db8:100::1:1\"}, {\"home_address\": \"2001:db8:100::1:1\"}]}", "{\"routers\": [{\"home_address\": \"2001:db8:100::1:1\", \"prefix\": 1}]}"}},
    };
}

std::vector<Row> rowsOf(Role role)
{
    std::vector<Row> rows;
    const auto add = [&](std::vector<Row> more) { rows.insert(rows.end(), more.begin(), more.end()); };
    if (role != Role::MobileNode) add(stackRows());
    const Row home{"home_prefixes", {"[\"2001:db8:100::/64\", \"2001:db8:101::/64\"]"}, {"7", "[\"2001:db8:999::/64\"]", "[\"2001:db8:100::\"]"}};
    if (role == Role::HomeAgent || role == Role::Map) {
        add(agentRows());
        add({home});
    }
    if (role == Role::Map)
        add({{"regional_prefix", {"\"2001:db8:101::/64\""}, {"7", "\"2001:db8:101::/56\"", "\"2001:db8:999::/64\""}},
             {"local_prefixes", {"[\"2001:db8:a0::/44\"]", "[\"2001:db8:a1::/64\", \"2001:db8:a2::/64\"]"}, {"7", "[7]", "[\"2001:db8:a1::1\"]"}}});
    if (role == Role::AccessRouter) add({{"probe_maps", {"true"}, notBoolean}});
    if (role == Role::Correspondent)
        add({{"mobility", {"true"}, notBoolean},
             {"nonce_interval", {"\"1s\"", "\"29s\""}, {"7", "\"999ms\"", "\"241s\""}},
             {"nonces", {"1", "7"}, {"0", "241", "1.5", "\"8\""}},
             {"refresh_requests", {"true"}, notBoolean},
             {"maximum_bindings", {"0", "1000000"}, {"-1", "1000001", "\"5\""}},
             {"mcoa", {"{\"support\": \"off\"}", "{\"support\": \"refuse\"}", "{\"maximum\": 1}"}, {"true", "{\"bulk\": false}", "{\"maximum\": 65}"}},
             flowRow()});
    if (role == Role::MobileNode) {
        add({{"echo", {"false"}, notBoolean}, stackRows()[3]});
        add({{"home_address", {"\"2001:db8:100::1:2\""}, {"7", "\"ff02::1\"", "\"fe80::1\"", "\"2001:db8\""}},
             {"home_agent", {"\"2001:db8:100::2\"", "\"discover\""}, {"7", "\"nobody\""}},
             {"home_agent_ipv4", {"\"192.0.2.1\""}, {"7", "\"192.0.2.1/24\"", "\"224.0.0.1\"", "\"2001:db8::1\""}},
             {"home_prefix_length", {"8", "120"}, {"7", "121", "\"64\""}},
             {"home_addresses", {"[\"2001:db8:100::1:2\"]"}, {"7", "[\"x\"]"}},
             {"discover_home_agents", {"true"}, notBoolean},
             {"solicit_prefixes", {"true"}, notBoolean},
             {"hmipv6", {"false"}, notBoolean},
             {"fixed_map", {"\"2001:db8:300::1\""}, {"7", "\"map\""}},
             {"maximum_maps", {"2", "8"}, {"0", "9", "\"1\""}},
             {"previous_map_forwarding", {"false"}, notBoolean},
             {"release_maps", {"true"}, notBoolean},
             {"on_link_address_for_neighbours", {"true"}, notBoolean},
             {"optimistic_dad", {"true"}, notBoolean},
             {"acknowledged_by_correspondents", {"false"}, notBoolean},
             {"first_timeout", {"\"100ms\"", "\"32s\""}, {"7", "\"99ms\"", "\"33s\""}},
             {"movement", {"{\"link_events\": false}", "{\"missed_advertisements\": 0}", "{\"missed_advertisements\": 100}", "{\"new_routers\": false}"},
              {"7", "{\"missed_advertisements\": 101}", "{\"link_events\": 1}", "{\"links\": true}"}},
             {"mcoa", {"{\"mode\": \"single\"}", "{\"mode\": \"bulk\"}", "{\"mode\": \"bulk\", \"home_and_foreign\": false}", "{\"flows\": [{\"flow\": 1, \"priority\": 2, \"bids\": [1, 2], \"source\": \"2001:db8:200::/64\", \"destination_port\": [5000, 6000], \"protocol\": 17}]}"}, {"{\"flows\": [{\"flow\": 1, \"priority\": 2}]}", "{\"flows\": [{\"flow\": 0, \"priority\": 2, \"bids\": [1]}]}", "{\"flows\": [{\"flow\": 1, \"priority\": 2, \"bids\": []}]}", "{\"flows\": [{\"flow\": 1, \"priority\": 2, \"bids\": [1], \"protocol\": [9, 8]}]}", "7", "\"bulk\"", "{\"mode\": \"all\"}", "{\"home_and_foreign\": 1}", "{\"bulk\": true}"}},
             {"mobile_network", {"{\"prefixes\": [\"2001:db8:1f0::/64\"]}", "{\"prefixes\": [\"2001:db8:1f0::/64\"], \"mode\": \"implicit\"}", "{\"prefixes\": [\"2001:db8:1f0::/64\", \"2001:db8:2f0::/56\"], \"other_mode\": false}"},
              {"7", "true", "{}", "{\"prefixes\": []}", "{\"prefixes\": [\"2001:db8:1f0::\"]}", "{\"prefixes\": [\"fe80::/64\"]}", "{\"prefixes\": [\"::/0\"]}", "{\"prefixes\": [\"2001:db8:1f0::/64\"], \"mode\": \"both\"}", "{\"prefixes\": [\"2001:db8:1f0::/64\"], \"other_mode\": 1}", "{\"prefix\": \"2001:db8:1f0::/64\"}"}},
             {"map_policy", {"\"preference\""}, {"7", "\"nearest\""}},
             {"lifetime", {"\"4s\"", "\"262140s\""}, {"7", "\"3s\"", "\"262144s\""}},
             {"route_optimisation", {"\"all\"", "[\"2001:db8:200::c\"]"}, {"7", "\"some\"", "[7]"}}});
    }
    return rows;
}

/// Keys of the one interface, of a router.
std::vector<Row> interfaceRows()
{
    return {
        {"name", {"\"eth0\""}, {"7", "\"a b\""}},
        {"address", {"\"2001:db8:100::2/64\""}, {"7", "\"2001:db8:100::2\"", "\"2001:db8:100::/64\"", "\"fe80::1/64\"", "\"2001:db8:100::2/128\""}},
        {"addresses", {"[\"2001:db8:102::1/64\"]"}, {"7", "[\"2001:db8:102::1\"]", "[\"2001:db8:100::1/64\"]"}},
        {"anycast", {"[\"2001:db8:100::fdff:ffff:ffff:ff00\"]"}, {"7", "[\"ff02::1\"]"}},
        {"slaac", {"true"}, notBoolean},
        {"dad_transmits", {"0", "10"}, {"-1", "11", "\"1\""}},
        {"retrans_timer", {"\"1ms\"", "\"1h\""}, {"7", "\"999us\"", "\"61m\""}},
        {"verify_addresses", {"true"}, notBoolean},
        {"bid", {"1", "65535"}, {"0", "65536", "\"1\""}},
        {"bid_priority", {"1", "127"}, {"0", "128", "true"}},
        {"mtu", {"1280", "1499"}, {"1279", "1501", "\"1500\""}},
        {"ipv4_address", {"\"192.0.2.1/24\"", "\"192.0.2.1/30\"", "{\"address\": \"192.0.2.1/24\", \"gateway\": \"192.0.2.254\"}"},
         {"7", "\"192.0.2.1\"", "\"192.0.2.0/24\"", "\"192.0.2.255/24\"", "\"192.0.2.1/31\"", "\"192.0.2.1/0\"", "\"224.0.0.1/24\"", "\"127.0.0.1/8\"", "{\"gateway\": \"192.0.2.254\"}",
          "{\"address\": \"192.0.2.1/24\", \"gateway\": \"198.51.100.1\"}", "{\"address\": \"192.0.2.1/24\", \"gateway\": \"192.0.2.1\"}", "{\"address\": \"192.0.2.1/24\", \"gateway\": 7}"}},
        {"mac", {"\"02:00:00:00:00:09\""}, {"7", "\"03:00:00:00:00:09\"", "\"00:00:00:00:00:00\"", "\"02:00\""}},
        {"advertise", {"{}"}, notBoolean},
    };
}

std::vector<Row> advertiseRows()
{
    return {
        {"min_interval", {"\"30ms\"", "\"450s\""}, {"7", "\"29ms\"", "\"451s\""}},
        {"max_interval", {"\"300s\"", "\"1800s\""}, {"7", "\"69ms\"", "\"1801s\""}},
        {"router_lifetime", {"\"0s\"", "\"65535s\""}, {"7", "\"65536s\""}},
        {"managed", {"true"}, notBoolean},
        {"other", {"true"}, notBoolean},
        {"home_agent", {"true", "false"}, notBoolean},
        {"hop_limit", {"0", "255"}, {"-1", "256", "\"64\""}},
        {"reachable_time", {"\"1ms\"", "\"1h\""}, {"7", "\"61m\""}},
        {"retrans_timer", {"\"1ms\"", "\"1h\""}, {"7", "\"61m\""}},
        {"mtu", {"1280", "65535"}, {"1279", "65536"}},
        {"advertisement_interval", {"false"}, notBoolean},
        {"home_agent_information", {"{}", "{\"preference\": 65535}", "{\"lifetime\": \"1s\"}", "{\"lifetime\": \"65535s\"}"}, {"7", "{\"preference\": 65536}", "{\"preference\": -1}", "{\"lifetime\": \"0s\"}", "{\"lifetime\": \"65536s\"}"}},
        {"prefixes", {"[]", "[{\"prefix\": \"2001:db8:100::1/64\", \"on_link\": false}]", "[{\"prefix\": \"2001:db8:100::1/64\", \"autonomous\": false, \"router_address\": false}]",
                      "[{\"prefix\": \"2001:db8:100::1/64\", \"valid_lifetime\": \"infinite\", \"preferred_lifetime\": \"infinite\", \"counts_down\": true}]"},
         {"7", "[{}]", "[{\"prefix\": \"fe80::/64\"}]", "[{\"prefix\": \"2001:db8:100::1/64\", \"valid_lifetime\": \"10s\"}]", "[{\"prefix\": \"2001:db8:100::1/64\", \"on_link\": 1}]"}},
        {"relay_maps", {"true"}, notBoolean},
        {"map", {"[{\"node\": \"2001:db8:300::1\"}]", "[{\"node\": \"2001:db8:300::1\", \"distance\": 15, \"preference\": 0, \"lifetime\": \"0s\", \"form_address\": false}]"},
         {"7", "[{}]", "[{\"node\": \"2001:db8:300::1\", \"distance\": 0}]", "[{\"node\": \"2001:db8:300::1\", \"distance\": 16}]", "[{\"node\": \"2001:db8:300::1\", \"preference\": 16}]",
          "[{\"node\": \"ff02::1\"}]", "[{\"node\": \"map\"}]"}},
    };
}

using Members = std::map<std::string, std::string>;

std::string object(const Members& members)
{
    std::string out;
    for (const auto& [key, value] : members) out += (out.empty() ? "{\"" : ", \"") + key + "\": " + value;
    return out.empty() ? "{}" : out + "}";
}

Members usualInterface(Role role)
{
    if (role == Role::MobileNode) return {{"name", "\"if\""}};
    return {{"name", "\"if\""}, {"address", "\"2001:db8:100::1/64\""}, {"addresses", "[\"2001:db8:101::1/64\"]"}};
}

Members usualNode(Role role, const Members& interface)
{
    Members node{{"interfaces", "[" + object(interface) + "]"}};
    if (role == Role::HomeAgent || role == Role::Map) node["home_prefixes"] = "[\"2001:db8:100::/64\"]";
    if (role == Role::Map) node["regional_prefix"] = "\"2001:db8:100::/64\"";
    if (role == Role::MobileNode) {
        node["home_address"] = "\"2001:db8:100::1:1\"";
        node["home_agent"] = "\"2001:db8:100::1\"";
    }
    return node;
}

Result<RoleFile> read(Role role, const Members& node) { return parseRoleFile(object(node), "config", role, {"t0"}); }

/// The node of those settings, with only its default values beside them.
template <class Make>
void check(Role role, const std::vector<Row>& rows, const Members& usual, Make make)
{
    const auto before = read(role, make(usual));
    QVERIFY2(before.has_value(), before ? "" : before.error().text.c_str());
    for (const Row& row : rows) {
        for (const char* value : row.good) {
            Members other = usual;
            other[row.key] = value;
            const auto after = read(role, make(other));
            QVERIFY2(after.has_value(), after ? "" : (std::string(row.key) + " " + value + ": " + after.error().text).c_str());
            QVERIFY2(!(after->scenario.nodes[0] == before->scenario.nodes[0]), (std::string(lab::roleName(role)) + ": " + row.key + " " + value + " does not arrive").c_str());
        }
        for (const char* value : row.bad) {
            Members other = usual;
            other[row.key] = value;
            const auto after = read(role, make(other));
            QVERIFY2(!after.has_value(), (std::string(lab::roleName(role)) + ": " + row.key + " " + value + " is taken").c_str());
            const auto names = [&](const char* name) { return name && after.error().text.find(name) != std::string::npos; };
            QVERIFY2(names(row.key) || names(row.also), (std::string(row.key) + " is not named: " + after.error().text).c_str());
        }
    }
}

template <class T>
void complete(const Settings<T>& settings, const std::vector<Row>& rows, const std::set<std::string_view>& elsewhere = {})
{
    for (const auto& setting : settings) {
        const bool found = std::any_of(rows.begin(), rows.end(), [&](const Row& row) { return setting.key == row.key; });
        QVERIFY2(found || elsewhere.contains(setting.key), (std::string(setting.key) + " has no row").c_str());
    }
}

constexpr Role roles[] = {Role::HomeAgent, Role::Map, Role::AccessRouter, Role::Correspondent, Role::MobileNode};

}  // namespace

class TestNodeSettings : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void everyKeyOfEveryRole()
    {
        for (const Role role : roles) {
            const auto rows = rowsOf(role);
            complete(settingsOf(role), rows);
            check(role, rows, usualNode(role, usualInterface(role)), [](const Members& m) { return m; });
        }
        complete(stackSettings(), stackRows(), {"interfaces"});
    }
    void everyKeyOfAnInterface()
    {
        complete(interfaceSettings(), interfaceRows(), {"link"});
        const auto make = [](const Members& m) { return usualNode(Role::AccessRouter, m); };
        check(Role::AccessRouter, interfaceRows(), usualInterface(Role::AccessRouter), make);
        // On a TAP there is no link to name.
        Members linked = usualInterface(Role::AccessRouter);
        linked["link"] = "\"t0\"";
        QVERIFY(!read(Role::AccessRouter, make(linked)));
    }
    void everyKeyOfAdvertisements()
    {
        complete(advertiseSettings(), advertiseRows());
        check(Role::HomeAgent, advertiseRows(), {}, [](const Members& m) {
            Members interface = usualInterface(Role::HomeAgent);
            interface["advertise"] = object(m);
            return usualNode(Role::HomeAgent, interface);
        });
    }
    void interfacesOfAMobileRouter()
    {
        const auto told = [](const Members& inside, const std::string& network, bool outside = true) {
            Members node = usualNode(Role::MobileNode, usualInterface(Role::MobileNode));
            node["interfaces"] = "[" + (outside ? std::string("{\"name\": \"up\"}") : "{\"name\": \"up\", \"address\": \"2001:db8:1f0:1::1/64\"}") + ", " + object(inside) + "]";
            if (!network.empty()) node["mobile_network"] = network;
            const auto done = parseRoleFile(object(node), "config", Role::MobileNode, {"t0", "t1"});
            return done ? std::string("taken") : done.error().text;
        };
        const Members inside{{"name", "\"lan\""}, {"address", "\"2001:db8:1f0::1/64\""}, {"advertise", "{}"}};
        QCOMPARE(told(inside, "{}"), std::string("taken"));
        QCOMPARE(told(inside, "{\"prefixes\": [\"2001:db8:1f0::/56\"]}"), std::string("taken"));
        QVERIFY(told(inside, "").find("/interfaces/1/address") != std::string::npos);
        QVERIFY(told(inside, "{\"prefixes\": [\"2001:db8:2f0::/56\"]}").find("/interfaces/1/address") != std::string::npos);
        QVERIFY(told({{"name", "\"lan\""}, {"advertise", "{}"}}, "{\"prefixes\": [\"2001:db8:2f0::/56\"]}").find("/interfaces/1/advertise") != std::string::npos);
        QVERIFY(told(inside, "{}", false).find("/interfaces") != std::string::npos);
        QVERIFY(told({{"name", "\"lan\""}}, "{}").find("/mobile_network/prefixes") != std::string::npos);
    }
    void routesKeepTheirNumbersBesideADefaultRouter()
    {
        Members node = usualNode(Role::AccessRouter, usualInterface(Role::AccessRouter));
        node["default_router"] = "\"2001:db8:100::fe\"";
        node["routes"] = "[{\"to\": \"2001:db8:5::/48\", \"via\": \"2001:db8:9::1\"}]";
        const auto done = read(Role::AccessRouter, node);
        QVERIFY2(!done && done.error().text.find("/routes/0/via") != std::string::npos, done ? "" : done.error().text.c_str());
    }
    void keysOfOtherRolesAreNamed()
    {
        for (const Role role : roles) {
            std::set<std::string_view> own;
            for (const auto& setting : settingsOf(role)) own.insert(setting.key);
            for (const Role other : roles) {
                for (const auto& setting : settingsOf(other)) {
                    if (own.contains(setting.key)) continue;
                    Members node = usualNode(role, usualInterface(role));
                    node[std::string(setting.key)] = "1";
                    const auto done = read(role, node);
                    QVERIFY2(!done && done.error().text.find(setting.key) != std::string::npos && done.error().text.find(lab::roleName(other)) != std::string::npos,
                             std::string(setting.key).c_str());
                }
            }
        }
    }
};

QTEST_APPLESS_MAIN(TestNodeSettings)
#include "test_node_settings.moc"
