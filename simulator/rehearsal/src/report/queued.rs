//! What is told of a migration through the queue.

use std::fmt;

use indicatif::HumanCount;

use super::text;
use crate::queued::{Queued, QueuedPass};

impl fmt::Display for Queued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}", self.way.to_uppercase().replace("MOGILE2S3 WORK", "mogile2s3 work"))?;
        for pass in &self.passes {
            write_pass(f, pass)?;
        }
        text::write_each_scenario(f, &self.scenarios)?;
        let (whole, all) = (self.judgement.whole, self.files);
        writeln!(f, "  oracle: {whole} of {all} files are whole under their own SHA-1")?;
        for problem in self.all_problems().take(30) {
            writeln!(f, "  PROBLEM: {problem}")?;
        }
        Ok(())
    }
}

impl Queued {
    /// What the passes found, and what the oracle did.
    pub(super) fn all_problems(&self) -> impl Iterator<Item = &String> {
        self.problems.iter().chain(&self.judgement.problems)
    }
}

/// Columns of a line of requests, beside its indent.
const WIDTH: usize = 90;

fn write_pass(f: &mut fmt::Formatter<'_>, pass: &QueuedPass) -> fmt::Result {
    let cold = pass.cold_starts.map_or_else(String::new, |cold| format!(", {cold} cold starts"));
    writeln!(
        f,
        "  {}: {} sent, {} proven before, in {:.1} s{cold}",
        pass.name,
        HumanCount(pass.sent),
        HumanCount(pass.proven_before),
        pass.seconds
    )?;
    writeln!(
        f,
        "    moved {} by copy, {} from MogileFS; {} there already",
        HumanCount(pass.by_copy),
        HumanCount(pass.by_mogile),
        HumanCount(pass.already_there)
    )?;
    write!(f, "    {:.2} requests a file to AWS:", pass.requests_a_file())?;
    let mut column = WIDTH;
    for (at, (kind, count)) in pass.requests.iter().enumerate() {
        let comma = if at + 1 < pass.requests.len() { "," } else { "" };
        let text = format!(" {kind} {count}{comma}");
        column += text.len();
        if column > WIDTH {
            write!(f, "\n     ")?;
            column = text.len();
        }
        write!(f, "{text}")?;
    }
    writeln!(f)
}
