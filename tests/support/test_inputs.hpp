// SPDX-License-Identifier: GPL-3.0-or-later
// Frames that tests read: the golden packets of tests/data and, where they are present, the shared captures.
#pragma once

#include "protocol/base/bytes.hpp"
#include "protocol/wire/frame.hpp"

#include <QDir>
#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QString>
#include <vector>

namespace roamscope::test {

struct InputFrame {
    QString name;
    Bytes bytes;
    std::uint16_t linkType = wire::linkEthernet;
    std::size_t originalLength = 0;
};

inline Bytes fromHex(const QString& hex)
{
    const QByteArray raw = QByteArray::fromHex(hex.toLatin1());
    return Bytes(raw.begin(), raw.end());
}

/// The golden packets in their order; raw IPv6.
inline std::vector<InputFrame> goldenPackets()
{
    std::vector<InputFrame> out;
    QFile file(QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/data/vectors.json"));
    if (!file.open(QIODevice::ReadOnly)) return out;
    for (const auto& v : QJsonDocument::fromJson(file.readAll()).object()["vectors"].toArray()) {
        Bytes bytes = fromHex(v.toObject()["hex"].toString());
        const std::size_t size = bytes.size();
        out.push_back({v.toObject()["name"].toString(), std::move(bytes), wire::linkRawIpv6, size});
    }
    return out;
}

/// Folder of the shared captures, or an empty text when it is not on this machine.
inline QString sharedFolder()
{
    for (const QString& folder : {qEnvironmentVariable("ROAMSCOPE_SHARED"), QStringLiteral(ROAMSCOPE_SOURCE_DIR "/../shared")})
        if (!folder.isEmpty() && QDir(folder + "/captures").exists()) return folder;
    return {};
}

/// The frames of a classic pcap file of either byte order; empty when it is none. Only for tests: files of users are read by
/// capture/io, which knows more formats and reports what is wrong.
inline std::vector<InputFrame> readPcap(const QString& path)
{
    std::vector<InputFrame> out;
    QFile file(path);
    if (!file.open(QIODevice::ReadOnly)) return out;
    const QByteArray all = file.readAll();
    if (all.size() < 24) return out;
    const bool big = static_cast<std::uint8_t>(all[0]) == 0xa1;
    const auto u32 = [&](qsizetype at) {
        std::uint32_t v = 0;
        for (qsizetype i = 0; i < 4; ++i) v = v << 8 | static_cast<std::uint8_t>(all[at + (big ? i : 3 - i)]);
        return v;
    };
    const auto linkType = static_cast<std::uint16_t>(u32(20));
    for (qsizetype at = 24; at + 16 <= all.size();) {
        const std::uint32_t captured = u32(at + 8);
        const std::uint32_t original = u32(at + 12);
        at += 16;
        if (captured > static_cast<std::uint32_t>(all.size() - at)) break;
        const QByteArray raw = all.mid(at, captured);
        out.push_back({QString("%1 #%2").arg(QFileInfo(path).fileName()).arg(out.size() + 1), Bytes(raw.begin(), raw.end()), linkType, original});
        at += captured;
    }
    return out;
}

}  // namespace roamscope::test
