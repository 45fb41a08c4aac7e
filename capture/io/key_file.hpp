// SPDX-License-Identifier: GPL-3.0-or-later
// Keys with which a user lets encrypted packets be read, from JSON (comments allowed; `roamscope-cli schema keys` describes it):
//
//     {
//       "format": "roamscope-keys-1",
//       "esp": [
//         {
//           "spi": "0x00000200",                  // or a number
//           "source": "2001:db8::1",              // of the outer IP header, IPv6 or IPv4; left out: any
//           "destination": "2001:db8::2",
//           "encryption": "aes-cbc",              // null, aes-cbc, aes-ctr, aes-gcm-16, 3des-cbc
//           "encryption_key": "000102…",          // hexadecimal; counter modes end in their 4 octets of salt
//           "integrity": "hmac-sha1-96",          // none, hmac-sha1-96, hmac-sha256-128
//           "integrity_key": "000102…"
//         }
//       ]
//     }
//
// Errors name the file, line and column and never repeat a key.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/wire/esp.hpp"

#include <string>
#include <string_view>

namespace roamscope::capture {

[[nodiscard]] Result<wire::EspKeys> loadKeys(const std::string& path);
/// The same from text; `name` stands in errors.
[[nodiscard]] Result<wire::EspKeys> parseKeys(std::string_view text, std::string_view name);

}  // namespace roamscope::capture
