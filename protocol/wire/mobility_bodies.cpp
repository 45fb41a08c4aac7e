// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/mobility_bodies.hpp"

#include <fmt/format.h>

namespace roamscope::wire {

namespace {

/// Bodies by type; the options' places are kept for the checks.
class BodyParser {
public:
    BodyParser(FieldReader& in, const OptionScope& scope) : in_(in), scope_(scope) {}

    Result<MobilityBody> run()
    {
        auto message = parse();
        if (!message) return tl::unexpected(message.error());
        return MobilityBody{std::move(*message), std::move(placed_)};
    }

private:
    using Parsed = Result<MobilityMessage>;

    template <class Message>
    Parsed withOptions(Message message)
    {
        auto options = parseMobilityOptions(in_, scope_);
        if (!options) return tl::unexpected(options.error());
        message.options = std::move(options->values);
        placed_ = std::move(options->placed);
        return MobilityMessage{std::move(message)};
    }

    Parsed parse()
    {
        switch (scope_.messageType) {
        case 0: in_.reserved(FieldId::BrrReserved, 2); return withOptions(BindingRefreshRequest{});
        case 1: in_.reserved(FieldId::MhBodyReserved, 2); return withOptions(HomeTestInit{in_.u64(FieldId::HotiCookie), {}});
        case 2: in_.reserved(FieldId::MhBodyReserved, 2); return withOptions(CareOfTestInit{in_.u64(FieldId::CotiCookie), {}});
        case 3: return test<HomeTest>(FieldId::HotIndex, FieldId::HotCookie, FieldId::HotToken);
        case 4: return test<CareOfTest>(FieldId::CotIndex, FieldId::CotCookie, FieldId::CotToken);
        case 5: return update();
        case 6: return ack();
        case 7: return error();
        case 8: return fastUpdate();
        case 9: return fastAck();
        case 10: in_.reserved(FieldId::FnaReserved, 2); return withOptions(FastNeighborAdvertisement{});
        case 11: return MobilityMessage{ExperimentalMessage{in_.bytes(FieldId::ExperimentalData, in_.remaining())}};
        case 12: return homeAgentSwitch();
        case 13: return heartbeat();
        case 14: return handoverInitiate();
        case 15: return handoverAck();
        case 16: return revocation();
        case 17: return localizedRouting();
        case 18: return localizedRoutingAck();
        case 19: return updateNotification();
        case 20: return updateNotificationAck();
        case 21: return flowBinding();
        case 22: return subscriptionQuery();
        case 23: return subscriptionResponse();
        default: return MobilityMessage{RawMobility{scope_.messageType, in_.bytes(FieldId::MhData, in_.remaining())}};
        }
    }

    /// Lifetime in units of 4 s.
    void noteUnits(std::uint16_t lifetime, bool granted)
    {
        if (in_.texts()) in_.note(lifetime == 0 && !granted ? std::string("delete the binding") : fmt::format("{} s", 4u * lifetime));
    }
    /// RFC 5568's lifetime: both readings (errata E-09).
    void noteFastLifetime(std::uint16_t lifetime)
    {
        if (in_.texts()) in_.note(fmt::format("{} s; {} s if in units of 4 s as in a Binding Update", lifetime, 4u * lifetime));
    }
    /// RFC 6705: seconds.
    void noteSeconds(std::uint16_t lifetime)
    {
        if (in_.texts()) in_.note(lifetime == 0xffff ? std::string("infinite") : lifetime == 0 ? std::string("ends") : fmt::format("{} s", lifetime));
    }

    template <class Test>
    Parsed test(FieldId index, FieldId cookie, FieldId token)
    {
        Test m;
        m.nonceIndex = in_.u16(index);
        m.cookie = in_.u64(cookie);
        m.token = in_.u64(token);
        return withOptions(std::move(m));
    }

    Parsed update()
    {
        BindingUpdate m;
        m.sequence = in_.u16(FieldId::BuSequence);
        const std::uint16_t word = in_.u16(FieldId::BuFlags);
        m.flags = publishedFlags(in_.context(), scope_.dialect, word);
        if (in_.texts()) in_.note(flagLetters(m));
        const bool shisa = scope_.dialect == Dialect::Shisa2004 || scope_.dialect == Dialect::Shisa2006;
        const bool bulk = (word & BindingUpdate::proxy) != 0 && !shisa;
        in_.bits(2, word,
                 {FieldId::BuFlagAcknowledge, FieldId::BuFlagHome, FieldId::BuFlagLinkLocal, FieldId::BuFlagKey, FieldId::BuFlagMap,
                  FieldId::BuFlagRouter, shisa ? FieldId::BuFlagShisa : FieldId::BuFlagProxy, FieldId::BuFlagUdp, FieldId::BuFlagTlv,
                  bulk ? FieldId::BuFlagBulk : FieldId::BuFlagOverwrite, FieldId::BuFlagMulticast, FieldId::BuFlagDistributed});
        m.lifetime = WireLifetime{in_.u16(FieldId::BuLifetime)};
        noteUnits(m.lifetime.count(), false);
        return withOptions(std::move(m));
    }

    Parsed ack()
    {
        BindingAck m;
        m.status = publishedStatus(in_.context(), scope_.dialect, in_.u8(FieldId::BaStatus));
        in_.note(scope_.dialect == Dialect::PmipDraft ? pmipDraftStatusName(m.status) : bindingStatusName(m.status));
        m.flags = in_.u8(FieldId::BaFlags);
        in_.bits(1, m.flags,
                 {FieldId::BaFlagKey, FieldId::BaFlagRouter, FieldId::BaFlagProxy, FieldId::BaFlagTlv, FieldId::BaFlagBulk,
                  FieldId::BaFlagMulticast, FieldId::BaFlagDistributed});
        m.sequence = in_.u16(FieldId::BaSequence);
        m.lifetime = WireLifetime{in_.u16(FieldId::BaLifetime)};
        noteUnits(m.lifetime.count(), true);
        return withOptions(std::move(m));
    }

    Parsed error()
    {
        BindingError m;
        m.status = in_.u8(FieldId::BeStatus);
        in_.note(bindingErrorName(m.status));
        in_.reserved(FieldId::MhBodyReserved, 1);
        m.homeAddress = in_.address(FieldId::BeHomeAddress);
        return withOptions(std::move(m));
    }

    Parsed fastUpdate()
    {
        FastBindingUpdate m;
        m.sequence = in_.u16(FieldId::FbuSequence);
        const std::uint8_t flags = in_.u8(FieldId::FbuFlags);
        in_.bits(1, flags, {FieldId::FbuFlagAcknowledge, FieldId::FbuFlagHome, FieldId::FbuFlagLinkLocal, FieldId::FbuFlagKey});
        m.flags = static_cast<std::uint16_t>(flags << 8 | in_.u8(FieldId::FbuReserved));
        m.lifetime = in_.u16(FieldId::FbuLifetime);
        noteFastLifetime(m.lifetime);
        return withOptions(std::move(m));
    }

    Parsed fastAck()
    {
        FastBindingAck m;
        m.status = in_.u8(FieldId::FbackStatus);
        in_.note(fastBindingStatusName(m.status));
        m.flags = in_.u8(FieldId::FbackFlags);
        in_.bits(1, m.flags, {FieldId::FbackFlagKey});
        m.sequence = in_.u16(FieldId::FbackSequence);
        m.lifetime = in_.u16(FieldId::FbackLifetime);
        noteFastLifetime(m.lifetime);
        return withOptions(std::move(m));
    }

    Parsed homeAgentSwitch()
    {
        HomeAgentSwitch m;
        const std::size_t start = in_.offset();
        const std::size_t count = in_.u8(FieldId::HaSwitchCount);
        in_.u8(FieldId::HaSwitchReserved);
        if (16 * count > in_.remaining())
            return tl::unexpected(Error{ErrorCode::Malformed, start, fmt::format("{} home agents do not fit into the message", count), "MH-RX-01",
                                        "RFC 5142 §4", 1});
        for (std::size_t i = 0; i < count; ++i) m.homeAgents.push_back(in_.address(FieldId::HaSwitchAddress));
        return withOptions(std::move(m));
    }

    Parsed heartbeat()
    {
        Heartbeat m;
        in_.u8(FieldId::HeartbeatReserved);
        const std::uint8_t flags = in_.u8(FieldId::HeartbeatFlags);
        in_.bits(1, flags, {FieldId::HeartbeatUnsolicited, FieldId::HeartbeatResponse});
        m.unsolicited = (flags & 2) != 0;
        m.response = (flags & 1) != 0;
        m.sequence = in_.u32(FieldId::HeartbeatSequence);
        return withOptions(std::move(m));
    }

    Parsed handoverInitiate()
    {
        HandoverInitiate m;
        m.sequence = in_.u16(FieldId::HiSequence);
        m.flags = in_.u8(FieldId::HiFlags);
        in_.bits(1, m.flags, {FieldId::HiFlagAssigned, FieldId::HiFlagBuffer, FieldId::HiFlagProxy, FieldId::HiFlagForwarding});
        m.code = in_.u8(FieldId::HiCode);
        in_.note(handoverInitiateCodeName(m.code));
        return withOptions(std::move(m));
    }

    Parsed handoverAck()
    {
        HandoverAck m;
        m.sequence = in_.u16(FieldId::HackSequence);
        m.flags = in_.u8(FieldId::HackFlags);
        in_.bits(1, m.flags, {FieldId::HackFlagBuffer, FieldId::HackFlagProxy, FieldId::HackFlagForwarding});
        m.code = in_.u8(FieldId::HackCode);
        in_.note(handoverAckCodeName(m.code));
        return withOptions(std::move(m));
    }

    Parsed revocation()
    {
        BindingRevocation m;
        m.kind = in_.u8(FieldId::RevocationType);
        const bool indication = m.kind == BindingRevocation::indication;
        const bool ack = m.kind == BindingRevocation::acknowledgement;
        in_.note(indication ? "Binding revocation indication" : ack ? "Binding revocation acknowledgement" : "");
        if (indication || ack) in_.headline(indication ? "Binding revocation indication" : "Binding revocation acknowledgement");
        m.code = in_.u8(indication ? FieldId::RevocationTrigger : ack ? FieldId::RevocationStatus : FieldId::RevocationCode);
        in_.note(indication ? revocationTriggerName(m.code) : ack ? revocationStatusName(m.code) : "");
        m.sequence = in_.u16(FieldId::RevocationSequence);
        m.flags = in_.u16(FieldId::RevocationFlags);
        if (ack) in_.bits(2, m.flags, {FieldId::BraFlagProxy, FieldId::BraFlagIpv4, FieldId::BraFlagGlobal, FieldId::RevocationReserved});
        else in_.bits(2, m.flags, {FieldId::BriFlagProxy, FieldId::BriFlagIpv4, FieldId::BriFlagGlobal, FieldId::RevocationReserved});
        return withOptions(std::move(m));
    }

    Parsed localizedRouting()
    {
        LocalizedRoutingInitiation m;
        m.sequence = in_.u16(FieldId::LriSequence);
        in_.u16(FieldId::LriReserved);
        m.lifetimeSeconds = in_.u16(FieldId::LriLifetime);
        noteSeconds(m.lifetimeSeconds);
        return withOptions(std::move(m));
    }

    Parsed localizedRoutingAck()
    {
        LocalizedRoutingAck m;
        m.sequence = in_.u16(FieldId::LraSequence);
        const std::uint8_t flags = in_.Reader::u8();
        in_.bits(1, flags, {FieldId::LraUnsolicited, FieldId::LraReserved});
        m.unsolicited = (flags & 0x80) != 0;
        m.status = in_.u8(FieldId::LraStatus);
        in_.note(localizedRoutingStatusName(m.status));
        m.lifetimeSeconds = in_.u16(FieldId::LraLifetime);
        noteSeconds(m.lifetimeSeconds);
        return withOptions(std::move(m));
    }

    Parsed updateNotification()
    {
        UpdateNotification m;
        m.sequence = in_.u16(FieldId::UpnSequence);
        m.reason = in_.u16(FieldId::UpnReason);
        in_.note(updateReasonName(m.reason));
        const std::uint16_t flags = in_.u16(FieldId::UpnFlags);
        in_.bits(2, flags, {FieldId::UpnFlagAcknowledge, FieldId::UpnFlagRetransmit});
        m.acknowledge = (flags & 0x8000) != 0;
        m.retransmission = (flags & 0x4000) != 0;
        return withOptions(std::move(m));
    }

    Parsed updateNotificationAck()
    {
        UpdateNotificationAck m;
        m.sequence = in_.u16(FieldId::UpaSequence);
        m.status = in_.u8(FieldId::UpaStatus);
        in_.note(updateStatusName(m.status));
        in_.reserved(FieldId::UpaReserved, 3);
        return withOptions(std::move(m));
    }

    Parsed flowBinding()
    {
        FlowBinding m;
        m.kind = in_.u16(FieldId::FlowBindingType);
        const bool indication = m.kind == FlowBinding::indication;
        const bool ack = m.kind == FlowBinding::acknowledgement;
        in_.note(indication ? "Flow binding indication" : ack ? "Flow binding acknowledgement" : "");
        if (indication || ack) in_.headline(indication ? "Flow binding indication" : "Flow binding acknowledgement");
        m.sequence = in_.u16(FieldId::FlowBindingSequence);
        m.code = in_.u8(indication ? FieldId::FlowBindingTrigger : ack ? FieldId::FlowBindingStatus : FieldId::FlowBindingCode);
        in_.note(indication ? flowTriggerName(m.code) : ack ? flowBindingStatusName(m.code) : "");
        const std::uint8_t flags = in_.u8(FieldId::FlowBindingFlags);
        in_.bits(1, flags, {FieldId::FlowBindingAcknowledge});
        m.acknowledge = (flags & 0x80) != 0;
        return withOptions(std::move(m));
    }

    Parsed subscriptionQuery()
    {
        SubscriptionQuery m;
        m.sequence = in_.u8(FieldId::QuerySequence);
        in_.u8(FieldId::QueryReserved);
        return withOptions(std::move(m));
    }

    Parsed subscriptionResponse()
    {
        SubscriptionResponse m;
        m.sequence = in_.u8(FieldId::ResponseSequence);
        const std::uint8_t flags = in_.u8(FieldId::ResponseFlags);
        in_.bits(1, flags, {FieldId::ResponseInformation});
        m.information = (flags & 0x80) != 0;
        return withOptions(std::move(m));
    }

    FieldReader& in_;
    const OptionScope& scope_;
    std::vector<PlacedOption> placed_;
};

}  // namespace

std::size_t fixedOctets(std::uint8_t type)
{
    switch (type) {
    case 1:
    case 2: return 16;
    case 3:
    case 4:
    case 7: return 24;
    case 14:
    case 15: return 10;
    case 5:
    case 6:
    case 8:
    case 9:
    case 13:
    case 16:
    case 17:
    case 18:
    case 19:
    case 20:
    case 21: return 12;
    default: return 8;
    }
}

Result<MobilityBody> parseMobilityBody(FieldReader& in, const OptionScope& scope) { return BodyParser(in, scope).run(); }

}  // namespace roamscope::wire
