// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/resources.hpp"

#include "capture/io/nearest_name.hpp"
#include "capture/io/scenario_file.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>

namespace roamscope::capture {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view scenarioSuffix = ".json";
constexpr std::string_view schemaSuffix = ".schema.json";

std::vector<fs::path> places()
{
    std::vector<fs::path> out;
    if (const char* chosen = std::getenv("ROAMSCOPE_RESOURCES"); chosen && *chosen) out.emplace_back(chosen);
    std::error_code ignored;
    const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
    if (!program.empty()) out.push_back((program.parent_path() / ROAMSCOPE_DATA_FROM_BIN).lexically_normal());
    return out;
}

}  // namespace

Result<std::string> findResource(std::string_view relative)
{
    std::string tried;
    for (const fs::path& place : places()) {
        const fs::path path = place / relative;
        std::error_code ignored;
        if (fs::exists(path, ignored)) return path.string();
        tried += fmt::format("{}{}", tried.empty() ? "" : ", ", place.string());
    }
    return fail(ErrorCode::Io, 0, fmt::format("{} is not there (looked in {}). Install the program again or set ROAMSCOPE_RESOURCES", relative, tried));
}

std::vector<ShippedScenario> shippedScenarios()
{
    std::vector<ShippedScenario> out;
    const auto folder = findResource("scenarios");
    if (!folder) return out;
    std::error_code error;
    for (fs::directory_iterator i(*folder, error), end; !error && i != end; i.increment(error)) {
        const std::string file = i->path().filename().string();
        if (!file.ends_with(scenarioSuffix) || file.ends_with(schemaSuffix)) continue;
        const auto scenario = loadScenario(i->path().string());
        if (scenario) out.push_back({file.substr(0, file.size() - scenarioSuffix.size()), scenario->title, i->path().string()});
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return out;
}

Result<std::string> resolveScenario(const std::string& name)
{
    std::error_code ignored;
    if (name.find('/') != std::string::npos || fs::exists(name, ignored)) return name;
    std::vector<std::string> names;
    for (const ShippedScenario& shipped : shippedScenarios()) {
        if (shipped.name == name) return shipped.path;
        names.push_back(shipped.name);
    }
    const std::string near = nearestName(name, names);
    return fail(ErrorCode::Io, 0,
                fmt::format("{}: there is no such file, and no shipped scenario of that name.{} roamscope-cli scenarios lists those shipped", name,
                            near.empty() ? "" : fmt::format(" Did you mean {}?", near)));
}

}  // namespace roamscope::capture
