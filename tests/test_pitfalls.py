"""Mistakes seen in public implementations of DrLIM and of the contrastive loss, and their tests.

Each row has the mistake, and the tests that fail if drlim makes it: FILE::NAME stands for the test
test_NAME of test_FILE.py. L: values of the loss, P: pairs and graphs, N: network and state,
E: evaluation.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

PITFALLS = {
    "L1": (
        "the square root at distance 0 has no gradient, so equal points give NaN",
        "losses::two_points_in_one_place_have_a_finite_loss_and_no_preferred_direction",
        "losses::one_duplicate_leaves_the_forces_on_all_others_as_they_are",
        "forces::points_in_one_place_exert_no_force_and_break_nothing",
    ),
    "L2": (
        "a small number under the root rounds to 0 in half precision",
        "losses::half_precision_points_are_compared_in_float32",
        "losses::the_loss_and_its_gradient_are_finite_under_autocast",
    ),
    "L3": (
        "a small number in each component makes D(a, a) > 0 and D(a, b) != D(b, a)",
        "losses::a_distance_does_not_depend_on_which_point_is_left",
        "losses::two_points_in_one_place_have_a_finite_loss_and_no_preferred_direction",
    ),
    "L4": (
        "a distance clamped from below has no gradient, so a collapsed pair never parts",
        "losses::a_dissimilar_pair_that_nearly_coincides_parts_up_to_the_margin",
        "losses::under_every_loss_a_dissimilar_pair_that_nearly_coincides_parts",
    ),
    "L5": (
        "1 means similar to one function and dissimilar to the next",
        "losses::labels_that_can_be_read_in_two_ways_are_refused",
        "training::training_on_similar_pairs_only_draws_them_together",
        "training::training_on_dissimilar_pairs_only_drives_them_out_of_the_margin",
    ),
    "L6": (
        "the hinge is on the squared distance, or is not squared",
        "losses::the_loss_has_the_values_of_equation_4",
        "losses::repulsion_pushes_with_what_is_missing_to_the_margin",
    ),
    "L7": (
        "the factor 1/2 is dropped, or a sum stands for a mean",
        "losses::attraction_pulls_with_a_force_equal_to_the_distance",
        "losses::the_gradient_is_the_sum_of_the_springs_forces",
        "losses::a_pair_loses_the_same_whatever_other_pairs_are_in_the_batch",
    ),
    "L8": (
        "the diagonal counts as pairs, or each pair counts twice",
        "losses::the_global_loss_is_the_sum_over_all_pairs",
        "pairs::the_mean_of_the_weighted_loss_over_all_batches_is_equation_1_a_sample",
    ),
    "L9": (
        "distances of shape (N,) times labels of shape (N, 1) give N x N losses",
        "losses::shapes_that_differ_are_refused_and_never_broadcast",
    ),
    "L10": (
        "distances by matrix product are wrong for near-duplicates far from the origin",
        "losses::near_duplicates_far_from_the_origin_keep_their_distance",
        "forces::near_duplicates_far_from_the_origin_push_with_full_size",
    ),
    "L11": (
        "points are silently normalised, so the map lies on a sphere",
        "networks::the_map_is_unbounded_because_its_last_layer_is_linear",
    ),
    "L12": (
        "a bounded last layer keeps all distances below the margin",
        "networks::the_map_is_unbounded_because_its_last_layer_is_linear",
        "estimator::where_nothing_is_similar_everything_goes_to_the_margin",
    ),
    "L13": (
        "a batch with pairs of one kind, or without an active pair, fails",
        "losses::batches_of_one_kind_or_without_an_active_pair_are_fine",
    ),
    "L14": (
        "the mean is over active pairs only, so the balance of the springs drifts",
        "losses::the_loss_a_sample_is_the_sum_over_the_number_of_samples",
        "training::the_history_is_the_mean_of_its_batches_and_on_average_the_loss_over_all_pairs",
    ),
    "P1": (
        "only labels say who is similar",
        "estimator::without_labels_and_graph_the_nearest_neighbours_are_similar",
        "graphs::the_rule_for_shifted_digits_says_what_the_paper_says",
    ),
    "P2": (
        "a sample is its own neighbour, or takes the place of a duplicate",
        "graphs::duplicates_never_become_self_edges_and_take_no_neighbour_away",
    ),
    "P3": (
        "similarity holds in one direction only, or an edge counts twice",
        "graphs::a_neighbour_by_either_side_is_one_edge",
        "graphs::edges_are_canonical_whatever_built_the_graph",
    ),
    "P4": (
        "a pair is both similar and dissimilar",
        "pairs::a_pair_that_is_both_similar_and_dissimilar_is_refused",
    ),
    "P5": (
        "similar pairs, duplicates or the sample itself are drawn as dissimilar",
        "pairs::an_epoch_draws_every_edge_once_and_labels_every_pair_as_the_graphs_do",
    ),
    "P6": (
        "all pairs of a batch have the same neighbour rank",
        "pairs::a_batch_has_neighbours_of_several_ranks",
    ),
    "P7": (
        "the share of similar pairs is neither set nor seen",
        "pairs::the_ratio_of_dissimilar_to_similar_weight_is_a_parameter",
        "training::the_history_holds_the_true_numbers_of_the_map",
    ),
    "P8": (
        "copies of one sample are on both sides of a split",
        "datasets::a_split_keeps_every_source_on_one_side",
        "declared_maps::sources_are_whole_in_the_proof",
    ),
    "P9": (
        "a shift wraps round",
        "datasets::a_shift_brings_zeros_in_and_never_wraps",
        "datasets::no_shift_is_the_identity_and_there_and_back_restores_the_middle",
    ),
    "P10": (
        "some draws follow the seed and others the global generator",
        "pairs::the_same_seed_gives_the_same_batches_and_another_seed_others",
        "pairs::drawing_leaves_the_global_generators_untouched",
    ),
    "P11": (
        "1 - label underflows for unsigned or bool labels",
        "losses::similar_in_any_dtype_means_the_same",
        "losses::similar_in_any_numpy_dtype_or_list_means_the_same",
    ),
    "N1": (
        "points are computed in training mode",
        "applied::a_row_gives_the_same_point_alone_in_any_batch_and_in_any_order",
        "estimator::flags_that_the_user_set_one_by_one_are_restored_as_found",
    ),
    "N2": (
        "the network stays in evaluation mode after the first look at it",
        "training::dropout_stays_active_in_every_epoch_though_a_callback_looks_at_the_map",
    ),
    "N3": (
        "a sample's point depends on its partner in the pair",
        "networks::a_samples_point_does_not_depend_on_its_batch_even_while_training",
    ),
    "N4": (
        "the two sides have weights of their own",
        "networks::one_set_of_weights_gets_the_gradients_of_both_sides",
    ),
    "N5": (
        "preprocessing is not saved with the map",
        "persistence::raw_samples_give_the_same_point_after_loading",
        "networks::the_standardisation_travels_with_the_weights",
    ),
    "N6": (
        "only the last batch is returned",
        "applied::a_row_gives_the_same_point_alone_in_any_batch_and_in_any_order",
    ),
    "N7": (
        "training does not end, or keeps its last state",
        "training::training_ends_after_max_epochs",
        "training::the_weights_of_the_best_epoch_are_kept",
    ),
    "N8": (
        "a network with batch normalisation fails on one row",
        "estimator::a_network_that_mixes_the_rows_of_a_batch_maps_one_row",
        "estimator::what_cannot_be_learnt_from_is_refused_with_its_value",
    ),
    "E1": (
        "the threshold of a verification is fixed, or chosen on the pairs it is tried on",
        "invariance::e1_a_threshold_is_measured_on_people_it_was_not_chosen_on",
        "invariance::the_threshold_keeps_the_rate_that_was_asked_for_on_samples_it_was_not_chosen_on",
    ),
    "E2": (
        "the training samples are shown as the result",
        "proof::e2_held_out_points_that_are_the_training_points_are_refused",
        "declared_maps::samples_that_were_trained_on_are_left_out",
    ),
    "E3": (
        "invariance is seen in a coloured scatter and not measured",
        "proof::e3_the_orbit_ratio_is_in_the_verdict",
    ),
    "E4": (
        "a collapsed map looks invariant",
        "proof::e4_a_constant_map_fails_every_factor",
        "declared_maps::a_constant_map_fails",
    ),
    "E5": (
        "invariance of the architecture is credited to training",
        "proof::e5_what_the_architecture_ignores_is_not_credited_to_training",
        "networks::the_mean_over_the_image_is_blind_to_shifts_untrained_and_no_pooling_is_not",
    ),
    "E6": (
        "a collapse goes unseen",
        "proof::e6_a_collapsed_map_is_constant_whatever_its_place_and_not_because_it_is_small",
        "training::a_collapse_is_warned_of_once_with_a_remedy",
        "training::a_healthy_run_raises_no_alarm_in_any_unit",
    ),
    "E7": (
        "the map is compared with nothing",
        "proof::e7_what_was_compared_with_nothing_is_not_decided",
        "declared_maps::a_trained_map_is_proven_beside_its_references",
    ),
}


@cache
def names_in(file):
    tree = ast.parse((Path(__file__).parent / f"test_{file}.py").read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", PITFALLS)
def test_every_pitfall_has_a_test(row):
    _, *tests = PITFALLS[row]
    assert tests
    for test in tests:
        file, name = test.split("::")
        assert f"test_{name}" in names_in(file), test
