"""Recommendation's RPCs: parse, call, render."""

from visavis.recommendation.v1 import matrix_service_pb2, policy_service_pb2, recommendation_service_pb2

from services.recommendation.servicer.matrices import MatrixServicer
from services.recommendation.servicer.policies import PolicyServicer
from services.recommendation.servicer.recommendation import RecommendationServicer

SERVICE_NAMES = (
    recommendation_service_pb2.DESCRIPTOR.services_by_name["RecommendationService"].full_name,
    matrix_service_pb2.DESCRIPTOR.services_by_name["MatrixService"].full_name,
    policy_service_pb2.DESCRIPTOR.services_by_name["PolicyService"].full_name,
)

__all__ = ["SERVICE_NAMES", "MatrixServicer", "PolicyServicer", "RecommendationServicer"]
