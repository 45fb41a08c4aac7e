// SPDX-License-Identifier: GPL-3.0-or-later
// The settings of a node as keys of JSON, in a scenario's node and in the file of `role` alike: a table for each role (a file each:
// node_settings_ha.cpp …) and one for an interface. Each key also stands in resources/scenarios/scenario.schema.json.
#pragma once

#include "capture/io/json_value.hpp"
#include "protocol/lab/scenario.hpp"

namespace roamscope::capture {

[[nodiscard]] const Settings<lab::NodeSpec>& homeAgentSettings();
[[nodiscard]] const Settings<lab::NodeSpec>& mapSettings();
[[nodiscard]] const Settings<lab::NodeSpec>& accessRouterSettings();
[[nodiscard]] const Settings<lab::NodeSpec>& correspondentSettings();
[[nodiscard]] const Settings<lab::NodeSpec>& mobileNodeSettings();
/// Keys of several care-of addresses and flow bindings, the same for all that keep bindings.
[[nodiscard]] Settings<lab::NodeSpec> bindingSettings(bool correspondent);
/// Of a node of any role: routes and whatever else its IPv6 has.
[[nodiscard]] const Settings<lab::NodeSpec>& stackSettings();
[[nodiscard]] const Settings<lab::InterfaceSpec>& interfaceSettings();
[[nodiscard]] const Settings<lab::AdvertiseSpec>& advertiseSettings();

[[nodiscard]] const Settings<lab::NodeSpec>& settingsOf(lab::Role role);
[[nodiscard]] lab::Role roleIn(const JsonValue& value);

/// The node at `value`, an object. `keys`: those that it may have beside its settings and that the caller reads. A key of another role
/// gets an answer of its own.
[[nodiscard]] lab::NodeSpec readNode(const JsonValue& value, lab::Role role, JsonFields::Keys keys);

}  // namespace roamscope::capture
