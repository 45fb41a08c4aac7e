// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/model/filter_model.hpp"

#include "ui/model/format.hpp"

#include <QSettings>

#include <algorithm>
#include <map>

namespace roamscope::ui {

namespace {

constexpr int tick = 33;              // ms between two looks at a job
constexpr int askAgainEvery = 1'000;  // ms between two rounds because the analysis learned
constexpr int patience = 300;         // ms that an older answer stays while the new one is not complete

/// Everything that a job asks with; of the job's thread.
class Examiner {
public:
    Examiner(std::shared_ptr<const filter::Filter> filter, const capture::View& view, Names names)
        : filter_(std::move(filter)), analysis_(view.analysis), findings_(*analysis_), names_(std::move(names)), decoding_(view.decoding), startUtc_(view.trace.startUtc())
    {
        facts_.startUtc = startUtc_;
        facts_.analysis = analysis_.get();
        facts_.findings = &findings_;
        facts_.nodeName = [this](const Ipv6Address& address) {
            const Names::Party* party = names_.party(address);
            return party ? party->node.toStdString() : std::string();
        };
    }
    Examiner(const Examiner&) = delete;
    Examiner& operator=(const Examiner&) = delete;

    [[nodiscard]] capture::FilterJob::Answer byRow(std::size_t index, const capture::FrameRow& row, const std::vector<capture::TraceLink>& links) const
    {
        using Answer = capture::FilterJob::Answer;
        if (!decoding_.rowHolds(row)) return Answer::Unknown;
        const filter::Verdict verdict = filter_->byRow(index + 1, row, links, startUtc_);
        return verdict == filter::Verdict::No ? Answer::No : verdict == filter::Verdict::Yes ? Answer::Yes : Answer::Unknown;
    }

    bool matches(std::size_t index, const capture::FrameView& frame, const capture::TraceSnapshot& trace)
    {
        const capture::FrameReading reading(trace, index, frame, decoding_);
        facts_.frame = frame;
        facts_.number = index + 1;
        facts_.link = &reading.link();
        const wire::DecodeContext context = reading.context();
        facts_.context = &context;
        return filter_->matches(facts_);
    }

private:
    std::shared_ptr<const filter::Filter> filter_;
    std::shared_ptr<const analysis::Analysis> analysis_;
    filter::FindingsByFrame findings_;
    Names names_;
    capture::DecodeSettings decoding_;
    std::int64_t startUtc_;
    filter::FrameFacts facts_;
};

}  // namespace

FilterModel::FilterModel(Workspace& workspace, QObject* parent) : QObject(parent), workspace_(workspace)
{
    timer_.setInterval(tick);
    connect(&timer_, &QTimer::timeout, this, &FilterModel::poll);
    again_.setSingleShot(true);
    connect(&again_, &QTimer::timeout, this, &FilterModel::followView);
    connect(&workspace, &Workspace::sessionChanged, this, [this] {
        job_.reset();
        asked_.reset();
        if (rows_) rows_ = capture::FrameSelection();
    });
    connect(&workspace, &Workspace::viewChanged, this, &FilterModel::followView);
}

FilterModel::~FilterModel() = default;

void FilterModel::setDraft(const QString& text)
{
    if (text == draft_) return;
    draft_ = text;
    error_ = {};
    if (text.trimmed().isEmpty()) {
        state_ = State::Neutral;
    } else if (auto compiled = filter::Filter::compile(text.toStdString())) {
        state_ = State::Valid;
    } else {
        state_ = State::Invalid;
        error_ = std::move(compiled.error());
    }
    emit draftChanged();
}

bool FilterModel::apply()
{
    if (state_ == State::Invalid) return false;
    job_.reset();
    timer_.stop();
    applied_ = draft_.trimmed();
    filter_.reset();
    rows_.reset();
    running_ = false;
    if (!applied_.isEmpty()) {
        auto compiled = filter::Filter::compile(applied_.toStdString());
        if (!compiled) return false;
        filter_ = std::make_shared<filter::Filter>(std::move(*compiled));
        rows_ = capture::FrameSelection();
        remember(applied_);
        ask();
    }
    emit appliedChanged();
    emit rowsChanged(!running_);
    return true;
}

void FilterModel::ask()
{
    const capture::View& view = workspace_.view();
    replacing_ = job_ != nullptr;
    job_.reset();
    asked_ = view.analysis;
    askedWith_ = view.decoding;
    if (view.trace.size() == 0) return;  // its start is not known yet
    auto examiner = std::make_shared<Examiner>(filter_, view, workspace_.names());
    job_ = std::make_unique<capture::FilterJob>(
        view.trace, capture::FilterJob::Question{
                        [examiner](std::size_t index, const capture::FrameRow& row, const std::vector<capture::TraceLink>& links) { return examiner->byRow(index, row, links); },
                        [examiner](std::size_t index, const capture::FrameView& frame, const capture::TraceSnapshot& trace) { return examiner->matches(index, frame, trace); }});
    running_ = true;
    progress_ = 0;
    sinceAsked_.start();
    timer_.start();
}

void FilterModel::poll()
{
    if (!job_) return timer_.stop();
    capture::FilterJob::State state = job_->state();
    progress_ = state.progress;
    if (!state.done && replacing_ && sinceAsked_.elapsed() < patience) return;
    replacing_ = false;
    running_ = !state.done;
    rows_ = std::move(state.selection);
    if (!running_) timer_.stop();
    emit rowsChanged(!running_);
}

void FilterModel::followView()
{
    if (!filter_) return;
    const bool learned = filter_->needsAnalysis() && asked_ != workspace_.view().analysis;
    const bool due = learned && (workspace_.view().complete || sinceAsked_.elapsed() > askAgainEvery);
    if (due || !job_ || askedWith_ != workspace_.view().decoding) return ask();
    // The analysis may have learned for the last time.
    if (learned && !again_.isActive()) again_.start(askAgainEvery);
    job_->setTrace(workspace_.view().trace);
    running_ = true;
    timer_.start();
}

std::vector<filter::SeenValue> FilterModel::seen(wire::FieldId field) const
{
    constexpr qint64 longest = 50;  // ms
    const auto asked = filter::Filter::compile(wire::info(field).name);
    std::vector<filter::SeenValue> out;
    if (!asked) return out;
    std::map<std::string, std::size_t> counts;
    const capture::TraceSnapshot& trace = workspace_.view().trace;
    const capture::DecodeSettings& decoding = workspace_.view().decoding;
    QElapsedTimer clock;
    clock.start();
    for (std::size_t i = 0; i < trace.size() && clock.elapsed() < longest; ++i) {
        const capture::FrameRow row = trace.row(i);
        if (decoding.rowHolds(row) && asked->byRow(i + 1, row, trace.links(), trace.startUtc()) == filter::Verdict::No) continue;
        for (const wire::FieldNode& node : capture::FrameReading(trace, i, decoding).dissect().nodes)
            if (node.field == field) ++counts[wire::valueText(node)];
    }
    for (auto& [text, count] : counts)
        if (!text.empty() && text.size() < 100) out.push_back({text, count});
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.count > b.count; });
    out.resize(std::min<std::size_t>(out.size(), 50));
    return out;
}

QStringList FilterModel::history() const { return QSettings().value(QStringLiteral("filters")).toStringList(); }

void FilterModel::remember(const QString& text)
{
    QStringList all = history();
    all.removeAll(text);
    all.prepend(text);
    QSettings().setValue(QStringLiteral("filters"), all.mid(0, historySize));
}

QString filterFor(const wire::FieldNode& node)
{
    const QString name = toQt(std::string(wire::info(node.field).name));
    const QString value = toQt(wire::valueText(node));
    QString literal = value;
    if (const auto* octets = std::get_if<Bytes>(&node.value)) {
        constexpr std::size_t longest = 64;
        literal.clear();
        if (octets->size() <= longest)
            for (qsizetype i = 0; i < value.size(); i += 2) literal += (i > 0 ? QStringLiteral(":") : QString()) + value.mid(i, 2);
    } else if (std::holds_alternative<std::string>(node.value)) {
        literal.replace(QLatin1Char('\\'), QStringLiteral("\\\\")).replace(QLatin1Char('"'), QStringLiteral("\\\""));
        literal = QLatin1Char('"') + literal + QLatin1Char('"');
    }
    const QString text = literal.isEmpty() ? name : QStringLiteral("%1 == %2").arg(name, literal);
    return filter::Filter::compile(text.toStdString()) ? text : name;
}

}  // namespace roamscope::ui
