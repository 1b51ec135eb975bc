//! One list of behaviours for runs in memory and in a database.

mod limits;
mod merging;

/// Each behaviour as a test of each kind.
macro_rules! contract {
    ($($module:ident::$behaviour:ident),+ $(,)?) => {
        mod in_memory {
            use super::super::Kept;
            $(#[test] fn $behaviour() { super::$module::$behaviour(Kept::InMemory); })+
        }
        mod in_sqlite {
            use super::super::Kept;
            $(#[test] fn $behaviour() { super::$module::$behaviour(Kept::InSqlite); })+
        }
    };
}

contract! {
    merging::an_update_that_was_accepted_is_shown,
    merging::any_order_and_any_repetition_of_updates_ends_in_the_same_state,
    merging::a_repeat_changes_nothing_but_the_time_and_is_not_written,
    merging::an_update_without_run_id_touches_nothing,
    limits::an_evicted_run_goes_on_as_it_was_if_there_is_a_database,
    limits::outputs_over_the_limit_are_left_out_alike_in_every_order_and_after_a_restart,
    limits::what_is_left_out_is_counted,
    merging::updates_are_counted_by_outcome_and_dialect,
    limits::a_run_is_removed_when_its_last_update_is_older_than_the_retention_time,
    limits::a_restart_keeps_the_runs_if_there_is_a_database,
}
