// SPDX-License-Identifier: GPL-3.0-or-later
// A node of any role. It stands in memory of its own, as roles differ in size: mobile nodes, of which there are thousands, do not get
// the room of a home agent, and finding out what a node is costs no look at the node. Copied with its contents; never empty unless moved from.
#pragma once

#include "protocol/node/access_router.hpp"
#include "protocol/node/anchor.hpp"
#include "protocol/node/correspondent.hpp"
#include "protocol/node/mobile_node.hpp"

#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

namespace roamscope::lab {

class Node {
    template <class... T>
    using AnyOf = std::variant<std::unique_ptr<T>...>;
    using Any = AnyOf<node::Anchor, node::AccessRouter, node::Correspondent, node::MobileNode>;

public:
    template <class T>
        requires std::is_constructible_v<Any, std::unique_ptr<T>>
    Node(T role) : role_(std::make_unique<T>(std::move(role))) {}  // NOLINT: a role is a node
    /// What `f` gives for the node as what it is.
    template <class F>
    decltype(auto) visit(F f)
    {
        return std::visit([&](auto& role) -> decltype(auto) { return f(*role); }, role_);
    }
    template <class F>
    decltype(auto) visit(F f) const
    {
        return std::visit([&](const auto& role) -> decltype(auto) { return f(std::as_const(*role)); }, role_);
    }
    /// Has what the node will look at when it is called come into the caches (near.hpp); an anchor's depends on the packet.
    void bringNear() const
    {
        visit([](const auto& role) {
            if constexpr (requires { role.bringNear(); }) role.bringNear();
        });
    }
    Node(const Node& other) : role_(other.visit([]<class T>(const T& role) -> Any { return std::make_unique<T>(role); })) {}
    Node(Node&&) noexcept = default;
    Node& operator=(Node other) noexcept
    {
        role_ = std::move(other.role_);
        return *this;
    }
    ~Node() = default;

    /// Null when it has another role.
    template <class T>
    [[nodiscard]] T* as()
    {
        auto* role = std::get_if<std::unique_ptr<T>>(&role_);
        return role ? role->get() : nullptr;
    }
    template <class T>
    [[nodiscard]] const T* as() const
    {
        return const_cast<Node*>(this)->as<T>();
    }

private:
    Any role_;
};

}  // namespace roamscope::lab
