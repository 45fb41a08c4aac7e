// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/model/filter_model.hpp"

#include "ui/model/format.hpp"

#include <QCoreApplication>
#include <QPointer>
#include <QSettings>
#include <QThreadPool>

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>

namespace roamscope::ui {

namespace {

constexpr int reportEvery = 50;       // ms between two reports of a job
constexpr int askAgainEvery = 1'000;  // ms between two rounds because the analysis learned

/// Everything a job needs, independent of the window.
struct Question {
    std::shared_ptr<const filter::Filter> filter;
    capture::TraceSnapshot trace;
    std::shared_ptr<const analysis::Analysis> analysis;
    Names names;
};

class Examiner {
public:
    explicit Examiner(Question question) : q_(std::move(question)), findings_(*q_.analysis)
    {
        facts_.startUtc = q_.trace.startUtc();
        facts_.analysis = q_.analysis.get();
        facts_.findings = &findings_;
        facts_.nodeName = [this](const Ipv6Address& address) {
            const Names::Party* party = q_.names.party(address);
            return party ? party->node.toStdString() : std::string();
        };
    }
    Examiner(const Examiner&) = delete;
    Examiner& operator=(const Examiner&) = delete;

    bool takes(std::size_t index)
    {
        const capture::FrameRow row = q_.trace.row(index);
        const filter::Verdict verdict = q_.filter->byRow(index + 1, row, q_.trace.links(), q_.trace.startUtc());
        if (verdict != filter::Verdict::Unknown) return verdict == filter::Verdict::Yes;
        facts_.frame = q_.trace.frame(index);
        facts_.number = index + 1;
        facts_.link = facts_.frame.link < q_.trace.links().size() ? &q_.trace.links()[facts_.frame.link] : nullptr;
        dissection_ = wire::dissect(facts_.frame.bytes, facts_.link ? facts_.link->linkType : std::uint16_t{0}, facts_.frame.originalLength);
        facts_.dissection = &dissection_;
        return q_.filter->matches(facts_);
    }
    [[nodiscard]] std::size_t size() const { return q_.trace.size(); }

private:
    Question q_;
    filter::FindingsByFrame findings_;
    filter::FrameFacts facts_;
    wire::Dissection dissection_;
};

}  // namespace

FilterModel::FilterModel(Workspace& workspace, QObject* parent) : QObject(parent), workspace_(workspace)
{
    connect(&workspace, &Workspace::sessionChanged, this, [this] {
        stop();
        rows_.clear();
        examined_ = 0;
    });
    connect(&workspace, &Workspace::viewChanged, this, &FilterModel::followView);
}

FilterModel::~FilterModel() { stop(); }

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
    stop();
    applied_ = draft_.trimmed();
    filter_.reset();
    rows_.clear();
    examined_ = 0;
    if (!applied_.isEmpty()) {
        auto compiled = filter::Filter::compile(applied_.toStdString());
        if (!compiled) return false;
        filter_ = std::make_shared<filter::Filter>(std::move(*compiled));
        remember(applied_);
    }
    emit appliedChanged();
    if (filter_) examine(true);
    else emit rowsChanged(true);
    return true;
}

void FilterModel::stop()
{
    if (job_) job_->cancelled = true;
    job_.reset();
}

void FilterModel::followView()
{
    if (!filter_ || job_) return;
    const bool learned = filter_->needsAnalysis() && asked_ != workspace_.view().analysis;
    const bool due = learned && (workspace_.view().complete || !sinceAsked_.isValid() || sinceAsked_.elapsed() > askAgainEvery);
    if (due) examine(true);
    else if (examined_ < workspace_.view().trace.size()) examine(false);
}

void FilterModel::examine(bool again)
{
    fresh_ = again;
    asked_ = workspace_.view().analysis;
    sinceAsked_.start();
    job_ = std::make_shared<Job>();
    Question question{filter_, workspace_.view().trace, asked_, workspace_.names()};
    const std::size_t from = again ? 0 : examined_;
    QThreadPool::globalInstance()->start([model = QPointer<FilterModel>(this), job = job_, question = std::move(question), from]() mutable {
        Examiner examiner(std::move(question));
        std::vector<std::uint32_t> found;
        const auto report = [&](std::size_t examined, bool last) {
            QMetaObject::invokeMethod(
                qApp,
                [model, job, found = std::move(found), examined, last] {
                    if (model) model->take(job, found, examined, last);
                },
                Qt::QueuedConnection);
            found = {};
        };
        // Frames are counted in 32 bits by the analysis too.
        const std::size_t end = std::min<std::size_t>(examiner.size(), std::numeric_limits<std::uint32_t>::max());
        using Clock = std::chrono::steady_clock;
        auto next = Clock::now() + std::chrono::milliseconds(reportEvery);
        for (std::size_t i = from; i < end; ++i) {
            if (examiner.takes(i)) found.push_back(static_cast<std::uint32_t>(i));
            if (i % 64 != 0) continue;
            if (job->cancelled) return;
            if (const auto now = Clock::now(); now >= next) {
                report(i + 1, false);
                next = now + std::chrono::milliseconds(reportEvery);
            }
        }
        report(end, true);
    });
}

void FilterModel::take(const std::shared_ptr<Job>& job, const std::vector<std::uint32_t>& found, std::size_t examined, bool last)
{
    if (job != job_) return;  // of a filter that is no longer in force
    if (fresh_) rows_.clear();
    fresh_ = false;
    rows_.insert(rows_.end(), found.begin(), found.end());
    examined_ = examined;
    if (last) job_.reset();
    emit rowsChanged(last);
    if (last) followView();
}

std::vector<filter::SeenValue> FilterModel::seen(wire::FieldId field) const
{
    constexpr qint64 longest = 50;  // ms
    const auto asked = filter::Filter::compile(wire::info(field).name);
    std::vector<filter::SeenValue> out;
    if (!asked) return out;
    std::map<std::string, std::size_t> counts;
    const capture::TraceSnapshot& trace = workspace_.view().trace;
    QElapsedTimer clock;
    clock.start();
    for (std::size_t i = 0; i < trace.size() && clock.elapsed() < longest; ++i) {
        if (asked->byRow(i + 1, trace.row(i), trace.links(), trace.startUtc()) == filter::Verdict::No) continue;
        const capture::FrameView frame = trace.frame(i);
        const std::uint16_t linkType = frame.link < trace.links().size() ? trace.links()[frame.link].linkType : std::uint16_t{0};
        for (const wire::FieldNode& node : wire::dissect(frame.bytes, linkType, frame.originalLength).nodes)
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
